-- What run $run_id found of the model of the source $source, as the one asked about or as the relative: $most findings of the
-- kinds $kinds, those about the model itself first. Two halves, as an OR over both sources would join the whole run.
WITH about AS (
    SELECT 0 AS place, * EXCLUDE (run_id) FROM audit_findings WHERE run_id = $run_id AND query_source = $source
    UNION ALL
    SELECT 1, * EXCLUDE (run_id) FROM audit_findings
    WHERE run_id = $run_id AND relative_source = $source AND query_source != $source
)
SELECT * EXCLUDE (place)
FROM about
WHERE list_contains($kinds::VARCHAR[], kind) AND status != 'not_judged'
ORDER BY place, list_position($kinds::VARCHAR[], kind), status DESC, query, component, rank, relative
LIMIT $most;
