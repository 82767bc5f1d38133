-- What tells whether models came or went since a run: how many there are, and the newest id.
SELECT count(*) AS models, coalesce(max(model_id), 0) AS newest FROM model;
