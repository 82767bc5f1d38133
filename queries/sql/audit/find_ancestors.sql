-- Which nearest ancestor of a model of run $run_id does its card not name? Of the relatives that are told to be ancestors with a
-- probability of $told, the first, or both parents of a merge; nothing where one of them is declared or is a copy of the
-- model (a duplicate).
INSERT INTO audit_finding
WITH found AS (
    SELECT p.*, d.original_id AS copy_of, e.original_id AS other_copy_of
    FROM audit_pair AS p
    JOIN audit_run AS r USING (run_id)
    LEFT JOIN audit_duplicate AS d ON d.run_id = p.run_id AND d.id = p.query_id
    LEFT JOIN audit_duplicate AS e ON e.run_id = p.run_id AND e.id = p.relative_id
    WHERE p.run_id = $run_id AND p.origin = 'derivation' AND p.direction IN ('ancestor', 'copy')
      AND p.direction_probability >= $told AND p.log10_evalue <= r.max_log10_e
), first AS (
    SELECT *, bool_or(declared) OVER every AS any_declared,
           bool_or(coalesce(coalesce(copy_of, query_id) = coalesce(other_copy_of, relative_id), false)) OVER every AS any_copy,
           row_number() OVER (PARTITION BY query_id, component ORDER BY place) AS number
    FROM found
    WINDOW every AS (PARTITION BY query_id, component)
)
SELECT $run_id, 'ancestor', 'undeclared', query_id, component, relative_id, relative_component, NULL,
       reason || '; by ' || direction_by
FROM first
WHERE NOT declared AND NOT any_copy AND (merged_with IS NOT NULL OR (number = 1 AND NOT any_declared))
ORDER BY query_id, component, place;
