-- How many missing ancestors are inferred?
SELECT count(*) FROM inferred;
