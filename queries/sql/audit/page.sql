-- Findings of run $run_id, $most of them behind the first $skipped: of the kinds $kinds, in that order, of the status $status
-- ('' for any), of models or relatives whose name passes the glob $name ('' for any), without case. Of a licence that could
-- not be judged nothing is shown unless its status is asked for.
SELECT * EXCLUDE (run_id)
FROM audit_findings
WHERE run_id = $run_id AND list_contains($kinds::VARCHAR[], kind)
  AND ($status = status OR ($status = '' AND status != 'not_judged'))
  AND ($name = '' OR lower(query) GLOB lower($name) OR lower(relative) GLOB lower($name))
ORDER BY list_position($kinds::VARCHAR[], kind), status DESC, query, query_source, component, rank, relative, relative_source
LIMIT $most OFFSET $skipped;
