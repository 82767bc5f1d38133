-- The number of a new run.
SELECT nextval('audit_run_id') AS run_id;
