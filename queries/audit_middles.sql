-- Notes what the candidate stage measured of every task.
UPDATE audit_task AS t
SET middle = m.middle
FROM audit_middle AS m
WHERE m.query_id = t.query_id AND m.component = t.component;
