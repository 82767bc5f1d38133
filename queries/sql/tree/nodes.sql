-- The models of run $run_id, and those equal in content or files to another one: `copy_of` is that one's id, else NULL.
SELECT m.id, m.name, m.source, d.original_id AS copy_of
FROM audit_model AS m
LEFT JOIN audit_duplicate AS d
  ON d.run_id = m.run_id AND d.id = m.id AND (contains(d.reason, 'equal content') OR contains(d.reason, 'equal files'))
WHERE m.run_id = $run_id
ORDER BY m.id;
