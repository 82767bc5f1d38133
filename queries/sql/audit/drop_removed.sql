-- Drops what the run whose number is in the variable run_id has of models that were removed while it ran.
DELETE FROM audit_query WHERE run_id = getvariable('run_id') AND query_id NOT IN (SELECT model_id FROM model);
DELETE FROM audit_pair
WHERE run_id = getvariable('run_id')
  AND (query_id NOT IN (SELECT model_id FROM model) OR relative_id NOT IN (SELECT model_id FROM model));
