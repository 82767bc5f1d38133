-- Removes the run whose number is in the variable run_id.
DELETE FROM audit_run WHERE run_id = getvariable('run_id');
DELETE FROM audit_root WHERE run_id = getvariable('run_id');
DELETE FROM audit_model WHERE run_id = getvariable('run_id');
DELETE FROM audit_family WHERE run_id = getvariable('run_id');
DELETE FROM audit_duplicate WHERE run_id = getvariable('run_id');
DELETE FROM audit_query WHERE run_id = getvariable('run_id');
DELETE FROM audit_pair WHERE run_id = getvariable('run_id');
DELETE FROM audit_finding WHERE run_id = getvariable('run_id');
