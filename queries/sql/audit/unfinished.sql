-- Which run of this scope was ended before it finished, with the registry as it is now? $queries, $against, $since,
-- $max_log10_e, $whole: the scope; $models, $newest: the registry's size and largest model_id; $rules: the rules that it
-- was judged by. Its known roots must be those of now, too.
WITH today AS (
    SELECT list((model_id, source) ORDER BY model_id) AS roots
    FROM (SELECT model_id, min(source) AS source FROM known_root GROUP BY model_id)
), kept AS (
    SELECT run_id, list((id, source) ORDER BY id) AS roots FROM audit_root GROUP BY run_id
)
SELECT r.run_id
FROM audit_run AS r
CROSS JOIN today
LEFT JOIN kept USING (run_id)
WHERE r.finished_at IS NULL
  AND r.queries = $queries AND r.against = $against AND r.since IS NOT DISTINCT FROM $since::TIMESTAMP
  AND r.max_log10_e = $max_log10_e AND r.whole = $whole AND r.models = $models AND r.newest = $newest AND r.rules = $rules
  AND kept.roots IS NOT DISTINCT FROM today.roots
ORDER BY r.run_id DESC
LIMIT 1;
