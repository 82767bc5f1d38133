-- Along which edges of run $run_id is the child's licence more permissive than the other's? Edges are ancestors that are told
-- or declared, and duplicates of which the release dates say which came first: never a pair of unknown direction.
-- A licence that the table `licence` does not judge, or that a card does not state, is said to be not judged.
INSERT INTO audit_finding
WITH edges AS (
    SELECT DISTINCT ON (f.query_id, f.relative_id) f.*, lower(trim(c.license)) AS mine, lower(trim(a.license)) AS theirs
    FROM audit_finding AS f
    JOIN audit_model AS c ON c.run_id = f.run_id AND c.id = f.query_id
    JOIN audit_model AS a ON a.run_id = f.run_id AND a.id = f.relative_id
    LEFT JOIN model AS later ON later.model_id = f.query_id
    LEFT JOIN model AS earlier ON earlier.model_id = f.relative_id
    WHERE f.run_id = $run_id
      AND ((f.kind = 'ancestor' AND f.status != 'direction_unknown')
        OR (f.kind = 'duplicate' AND earlier.released_at < later.released_at))
    ORDER BY f.query_id, f.relative_id, f.kind, f.component
), judged AS (
    SELECT e.*, m.permissiveness AS my_rank, t.permissiveness AS their_rank,
           list_filter(t.obligations, lambda o: NOT list_contains(m.obligations, o)) AS dropped
    FROM edges AS e
    LEFT JOIN licence AS m ON m.id = e.mine
    LEFT JOIN licence AS t ON t.id = e.theirs
)
SELECT $run_id, 'licence', CASE WHEN my_rank < their_rank THEN 'conflict' ELSE 'not_judged' END,
       query_id, component, relative_id, relative_component, declared,
       CASE
           WHEN my_rank < their_rank THEN mine || ' is more permissive than ' || theirs || ' of what it comes from'
               || CASE WHEN len(dropped) > 0 THEN ': it drops ' || array_to_string(dropped, ', ') ELSE '' END
           ELSE 'not judged: ' || CASE WHEN my_rank IS NULL THEN coalesce(mine, 'no licence') || ' of the model' ELSE '' END
               || CASE WHEN my_rank IS NULL AND their_rank IS NULL THEN ' and ' ELSE '' END
               || CASE WHEN their_rank IS NULL THEN coalesce(theirs, 'no licence') || ' of what it comes from' ELSE '' END
       END
FROM judged
WHERE my_rank < their_rank OR my_rank IS NULL OR their_rank IS NULL
ORDER BY query_id, relative_id;
