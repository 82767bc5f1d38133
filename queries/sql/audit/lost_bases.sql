-- How many of the answers that the run in progress takes over are gone, as another process forgot the run that had them?
SELECT count(*) AS lost
FROM audit_task AS t
WHERE t.base_run IS NOT NULL AND NOT EXISTS (FROM audit_run AS r WHERE r.run_id = t.base_run);
