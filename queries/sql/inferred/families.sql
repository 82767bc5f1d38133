-- The members of the families of run $run_id: release dates, whether somebody claims that they were trained from scratch,
-- whether they look merged, come from an ancestor that is told at $told, or are copies, and whether one was compared anew.
SELECT m.family_id, m.id AS model_id, any_value(r.released_at) AS released_at,
       m.id IN (SELECT model_id FROM known_root) AS root,
       coalesce(bool_or(p.merged_with IS NOT NULL), false) AS merged,
       coalesce(bool_or(p.direction = 'ancestor' AND p.direction_probability >= $told), false) AS told,
       coalesce(bool_or(p.direction = 'copy'), false) AS copy,
       coalesce(bool_or(q.evaluated_run = $run_id), false) AS computed
FROM audit_model AS m
JOIN model AS r ON r.model_id = m.id
LEFT JOIN audit_pair AS p ON p.run_id = m.run_id AND p.query_id = m.id AND p.origin = 'derivation'
LEFT JOIN audit_query AS q ON q.run_id = m.run_id AND q.query_id = m.id
WHERE m.run_id = $run_id AND m.family_id IS NOT NULL
GROUP BY m.family_id, m.id
ORDER BY m.family_id, m.id;
