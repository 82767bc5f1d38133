-- The members of the families of run $run_id whose missing ancestors are to be inferred: release dates, whether somebody claims
-- that they were trained from scratch, and whether they look merged, come from an ancestor that is told at $told, or are copies.
-- Those are the families of which a member was compared anew since the last run over the whole registry finished, or all with
-- $whole, without those of which this run has kept a missing ancestor.
WITH before AS (
    SELECT coalesce(max(run_id), 0) AS run_id
    FROM audit_run
    WHERE finished_at IS NOT NULL AND run_id < $run_id AND queries = '' AND against = '' AND since IS NULL
), wanted AS (
    SELECT m.family_id
    FROM audit_model AS m
    WHERE m.run_id = $run_id AND m.family_id IS NOT NULL
      AND ($whole OR m.id IN (SELECT query_id FROM audit_query WHERE run_id = $run_id AND evaluated_run > (SELECT run_id FROM before)))
    EXCEPT
    SELECT m.family_id
    FROM audit_model AS m
    JOIN inferred_member AS i ON i.model_id = m.id
    JOIN inferred AS n USING (inferred_id)
    WHERE m.run_id = $run_id AND n.run_id = $run_id
)
SELECT m.family_id, m.id AS model_id, any_value(r.released_at) FILTER (r.released_at <= r.ingested_at + INTERVAL 1 DAY) AS released_at,
       m.id IN (SELECT model_id FROM known_root) AS root,
       coalesce(bool_or(p.merged_with IS NOT NULL), false) AS merged,
       coalesce(bool_or(p.direction = 'ancestor' AND p.direction_probability >= $told), false) AS told,
       coalesce(bool_or(p.direction = 'copy'), false) AS copy
FROM audit_model AS m
JOIN wanted USING (family_id)
JOIN model AS r ON r.model_id = m.id
LEFT JOIN audit_pair AS p ON p.run_id = m.run_id AND p.query_id = m.id AND p.origin = 'derivation'
WHERE m.run_id = $run_id
GROUP BY m.family_id, m.id
ORDER BY m.family_id, m.id;
