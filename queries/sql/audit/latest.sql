-- The newest run that finished; NULL where none has.
SELECT max(run_id) FROM audit_run WHERE finished_at IS NOT NULL;
