-- What run $run_id found of the model of the source $source, as the one asked about or as the relative: $most findings of the
-- kinds $kinds, those about the model itself first.
SELECT * EXCLUDE (run_id)
FROM audit_findings
WHERE run_id = $run_id AND list_contains($kinds::VARCHAR[], kind) AND $source IN (query_source, relative_source)
  AND status != 'not_judged'
ORDER BY query_source != $source, list_position($kinds::VARCHAR[], kind), status DESC, query, component, rank, relative
LIMIT $most;
