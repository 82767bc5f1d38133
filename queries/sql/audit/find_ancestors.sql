-- Which nearest ancestor of a model of run $run_id does its card not name? Of the first rank, where it holds ancestors,
-- the likeliest, or both parents of a merge; nothing where a member of that rank is declared or is a copy of the model
-- (a duplicate). Of two models that would each be the other's ancestor, the one that was ingested later is the query.
INSERT INTO audit_finding
WITH found AS (
    SELECT p.*, d.original_id AS copy_of, e.original_id AS other_copy_of
    FROM audit_pair AS p
    JOIN audit_run AS r USING (run_id)
    LEFT JOIN audit_duplicate AS d ON d.run_id = p.run_id AND d.id = p.query_id
    LEFT JOIN audit_duplicate AS e ON e.run_id = p.run_id AND e.id = p.relative_id
    WHERE p.run_id = $run_id AND p.rank = 1 AND p.origin = 'derived' AND p.direction != 'aside' AND p.log10_evalue <= r.max_log10_e
), first AS (
    SELECT *, bool_or(declared) OVER tie AS any_declared,
           bool_or(coalesce(coalesce(copy_of, query_id) = coalesce(other_copy_of, relative_id), false)) OVER tie AS any_copy,
           row_number() OVER (PARTITION BY query_id, component ORDER BY place) AS number,
           count(*) OVER tie AS tied
    FROM found
    WINDOW tie AS (PARTITION BY query_id, component)
), undeclared AS (
    FROM first
    WHERE NOT declared AND NOT any_copy AND (merged_with IS NOT NULL OR (number = 1 AND NOT any_declared))
)
SELECT $run_id, 'ancestor', 'undeclared', u.query_id, u.component, u.relative_id, u.relative_component, NULL,
       u.reason
       || CASE WHEN u.direction = 'untold' THEN '; who came first, weights alone do not tell' ELSE '' END
       || CASE WHEN u.tied > 1 AND u.merged_with IS NULL THEN '; tied with ' || (u.tied - 1) || ' more' ELSE '' END
FROM undeclared AS u
ANTI JOIN undeclared AS v
  ON v.query_id = u.relative_id AND v.relative_id = u.query_id
 AND v.component = u.relative_component AND v.relative_component = u.component AND u.query_id < u.relative_id
ORDER BY u.query_id, u.component, u.place;
