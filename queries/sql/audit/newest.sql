-- Which findings of run $run_id of the statuses $statuses are the newest? At most $most: those that appeared last (`since`: when the
-- first finished run that had them ended, UTC), and of one run in the order of $statuses. `total`: how many there are.
WITH run AS (
    SELECT run_id, finished_at FROM audit_run WHERE finished_at IS NOT NULL AND run_id <= $run_id
), dated AS (
    SELECT f.kind, f.status, q.source, f.component, coalesce(r.source, f.declared) AS other, min(run.finished_at) AS since
    FROM audit_finding AS f
    JOIN run USING (run_id)
    JOIN audit_model AS q ON q.run_id = f.run_id AND q.id = f.query_id
    LEFT JOIN audit_model AS r ON r.run_id = f.run_id AND r.id = f.relative_id
    WHERE list_contains($statuses::VARCHAR[], f.status)
    GROUP BY ALL
)
SELECT f.kind, f.status, f.query, f.query_source, f.component, f.relative, f.relative_source, f.reason,
       coalesce(d.since, (SELECT max(finished_at) FROM run)) AS since, count(*) OVER () AS total
FROM audit_findings AS f
LEFT JOIN dated AS d
  ON d.kind = f.kind AND d.status = f.status AND d.source = f.query_source AND d.component IS NOT DISTINCT FROM f.component
 AND d.other IS NOT DISTINCT FROM coalesce(f.relative_source, f.declared)
WHERE f.run_id = $run_id AND list_contains($statuses::VARCHAR[], f.status)
ORDER BY since DESC, list_position($statuses::VARCHAR[], f.status), f.query, f.query_source, f.component, f.rank, f.relative,
         f.relative_source
LIMIT $most;
