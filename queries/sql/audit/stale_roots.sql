-- Which earlier answers rest on claims that run $run_id has not? Those about a model, or with a relative, that became a known
-- root since then, or is none any more, or is one by another word.
UPDATE audit_task AS t
SET evaluate = true
FROM (
    WITH base AS (
        SELECT DISTINCT base_run FROM audit_task WHERE base_run IS NOT NULL
    ), earlier AS (
        SELECT base_run, id, source FROM base JOIN audit_root ON run_id = base_run
    ), now AS (
        SELECT base_run, id, source FROM base CROSS JOIN audit_root WHERE run_id = $run_id
    ), changed AS (
        SELECT base_run, id FROM (FROM earlier EXCEPT FROM now)
        UNION
        SELECT base_run, id FROM (FROM now EXCEPT FROM earlier)
    )
    SELECT base_run, id AS query_id, NULL AS component FROM changed
    UNION
    SELECT p.run_id, p.query_id, p.component
    FROM changed AS c
    JOIN audit_pair AS p ON p.run_id = c.base_run AND p.relative_id = c.id AND p.origin IS NOT NULL
) AS other
WHERE other.base_run = t.base_run AND other.query_id = t.query_id AND t.component = coalesce(other.component, t.component);
