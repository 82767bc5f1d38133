-- Drops what a run planned with.
DROP TABLE IF EXISTS temp.audit_task;
DROP TABLE IF EXISTS temp.audit_candidate;
