-- The answers that the run in progress needs, as audit/tasks planned them.
FROM audit_task ORDER BY query_id, component;
