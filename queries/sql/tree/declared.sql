-- What do the models of run $run_id declare that was not found? `parent_id` is NULL where the declared parent is not registered.
SELECT f.query_id AS child_id, f.relative_id AS parent_id, coalesce(m.name, f.declared) AS parent, f.status, f.reason
FROM audit_finding AS f
LEFT JOIN audit_model AS m ON m.run_id = f.run_id AND m.id = f.relative_id
WHERE f.run_id = $run_id AND f.kind = 'declaration'
ORDER BY f.query_id, parent, f.reason;
