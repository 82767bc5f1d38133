-- Takes the numbers of all runs that are there, which an import brought, so that the next audit gets a new one.
SELECT nextval('audit_run_id') AS run_id
FROM range((SELECT coalesce(max(run_id), 0) FROM audit_run));
