-- Removes the models, families and copies of the run whose number is in the variable run_id.
DELETE FROM audit_model WHERE run_id = getvariable('run_id');
DELETE FROM audit_family WHERE run_id = getvariable('run_id');
DELETE FROM audit_duplicate WHERE run_id = getvariable('run_id');
