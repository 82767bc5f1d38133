-- Along which edges of run $run_id is the child's licence more permissive than the other's? Edges are all ancestors that are told
-- with a probability of $told, however many others are nearer, but not two models that are each told to be the other's; those that
-- are declared and not contradicted; and duplicates of which the release dates say which came first: never a pair of unknown
-- direction. What cannot be compared, as an adapter with its base, is an edge by its declaration. A licence that the table `licence`
-- does not judge, or that a card does not state, is said to be not judged.
INSERT INTO audit_finding
WITH told AS (
    SELECT p.query_id, p.component, p.relative_id, p.relative_component, NULL::VARCHAR AS declared, 3 AS ground, p.place
    FROM audit_pair AS p
    JOIN audit_run AS r USING (run_id)
    WHERE p.run_id = $run_id AND p.origin = 'derivation' AND p.log10_evalue <= r.max_log10_e
      AND p.direction IN ('ancestor', 'copy') AND p.direction_probability >= $told
      AND NOT EXISTS (
          FROM audit_pair AS o
          WHERE o.run_id = $run_id AND o.query_id = p.relative_id AND o.relative_id = p.query_id AND o.origin = 'derivation'
            AND o.direction IN ('ancestor', 'copy') AND o.direction_probability >= $told
      )
), named AS (
    SELECT f.query_id, f.component, f.relative_id, f.relative_component, f.declared,
           CASE f.kind WHEN 'ancestor' THEN 1 WHEN 'duplicate' THEN 2 ELSE 4 END AS ground, 0 AS place
    FROM audit_finding AS f
    LEFT JOIN model AS later ON later.model_id = f.query_id
    LEFT JOIN model AS earlier ON earlier.model_id = f.relative_id
    WHERE f.run_id = $run_id
      AND ((f.kind = 'ancestor' AND f.status = 'confirmed')
        OR (f.kind = 'duplicate' AND earlier.released_at < later.released_at
            AND later.released_at <= later.ingested_at + INTERVAL 1 DAY)
        OR (f.kind = 'declaration' AND f.status = 'not_comparable' AND f.relative_id IS NOT NULL))
), edges AS (
    SELECT DISTINCT ON (e.query_id, e.relative_id) e.*, lower(trim(c.license)) AS mine, lower(trim(a.license)) AS theirs
    FROM (FROM told UNION ALL FROM named) AS e
    JOIN audit_model AS c ON c.run_id = $run_id AND c.id = e.query_id
    JOIN audit_model AS a ON a.run_id = $run_id AND a.id = e.relative_id
    ORDER BY e.query_id, e.relative_id, e.ground, e.place, e.component
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
