-- Forgets what an earlier run still had to do.
DELETE FROM audit_task;
DELETE FROM audit_candidate;
