-- How many of the models that run $run_id keeps are not in the registry any more?
SELECT count(*) AS removed
FROM audit_model
WHERE run_id = $run_id AND id NOT IN (SELECT model_id FROM model);
