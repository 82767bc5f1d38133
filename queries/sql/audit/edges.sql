-- Which pairs of models did run $run_id find to be related, other than by a shared initialisation, and is the second the
-- nearest ancestor of the first? What they share beside the main component of either makes no relation.
SELECT p.query_id, p.relative_id, bool_or(p.rank = 1 AND p.direction NOT IN ('descendant', 'sibling') AND p.origin = 'derivation') AS nearest
FROM audit_pair AS p
JOIN audit_run AS r USING (run_id)
ANTI JOIN side_parts($run_id) AS s USING (query_id, component, relative_id, relative_component)
WHERE p.run_id = $run_id AND p.origin IN ('derivation', 'undetermined') AND p.log10_evalue <= r.max_log10_e
GROUP BY p.query_id, p.relative_id
ORDER BY p.query_id, p.relative_id;
