-- All findings of run $run_id with names, facts and evidence; $kinds: which kinds, in that order.
SELECT * EXCLUDE (run_id)
FROM audit_findings
WHERE run_id = $run_id AND list_contains($kinds::VARCHAR[], kind)
ORDER BY list_position($kinds::VARCHAR[], kind), status DESC, query, query_source, component, rank, relative, relative_source;
