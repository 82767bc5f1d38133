-- Marks run $run_id as finished at $finished_at (UTC) and counts its pairs.
UPDATE audit_run
SET finished_at = $finished_at,
    evaluated = (SELECT count(*) FROM audit_pair AS p JOIN audit_query AS q USING (run_id, query_id, component)
                 WHERE p.run_id = $run_id AND q.evaluated_run = $run_id),
    carried = (SELECT count(*) FROM audit_pair AS p JOIN audit_query AS q USING (run_id, query_id, component)
               WHERE p.run_id = $run_id AND q.evaluated_run != $run_id)
WHERE run_id = $run_id;
