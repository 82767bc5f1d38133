-- The families of run $run_id, the largest first.
SELECT f.name, f.members, list(m.name ORDER BY m.name, m.id) AS models
FROM audit_family AS f
JOIN audit_model AS m USING (run_id, family_id)
WHERE f.run_id = $run_id
GROUP BY ALL
ORDER BY f.members DESC, f.name;
