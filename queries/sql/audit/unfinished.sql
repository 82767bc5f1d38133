-- Which run of this scope was ended before it finished, with the registry as it is now? $queries, $against, $since,
-- $max_log10_e, $whole: the scope; $models, $newest: the registry's size and largest model_id.
SELECT run_id
FROM audit_run
WHERE finished_at IS NULL
  AND queries = $queries AND against = $against AND since IS NOT DISTINCT FROM $since::TIMESTAMP
  AND max_log10_e = $max_log10_e AND whole = $whole AND models = $models AND newest = $newest
ORDER BY run_id DESC
LIMIT 1;
