-- How many models are registered?
SELECT count(*) FROM model;
