-- Which runs of this scope were ended before run $run_id, which has finished now? $queries, $against, $since, $max_log10_e
-- and $whole: the scope.
SELECT run_id
FROM audit_run
WHERE finished_at IS NULL AND run_id < $run_id
  AND queries = $queries AND against = $against AND since IS NOT DISTINCT FROM $since::TIMESTAMP
  AND max_log10_e = $max_log10_e AND whole = $whole
ORDER BY run_id;
