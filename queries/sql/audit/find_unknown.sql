-- Which models of run $run_id are of one lineage with a nearest relative, without a declaration that says so, and without
-- anything that tells which came first? Once a pair: the model that was released later first, or else that of the later source
-- in the alphabet; the order in which models were ingested says nothing. A direction counts as told from a probability of
-- $told on. Declarations that run in a circle say nothing of it. Two models that declare one and the same parent are declared
-- relatives. What two models share beside the main component of either counts for nothing.
INSERT INTO audit_finding
WITH RECURSIVE parents AS (
    SELECT DISTINCT d.model_id, k.model_id AS parent_id
    FROM declared_parent AS d
    JOIN named_models((SELECT list(DISTINCT parent) FROM declared_parent)) AS k
      ON k.spelled = d.parent AND k.model_id != d.model_id
), led AS (
    SELECT model_id, parent_id AS led_id FROM parents
    UNION
    SELECT led.model_id, parents.parent_id FROM led JOIN parents ON parents.model_id = led.led_id
), copies AS (
    SELECT id, original_id FROM audit_duplicate WHERE run_id = $run_id
), originals AS (
    FROM copies
    UNION
    SELECT o.id, c.original_id FROM originals AS o JOIN copies AS c ON c.id = o.original_id
), oldest AS (
    FROM originals ANTI JOIN copies ON copies.id = originals.original_id
), related AS (
    SELECT p.query_id, p.component, p.relative_id, p.relative_component, p.direction, p.direction_probability,
           p.rank = min(p.rank) OVER (PARTITION BY p.query_id, p.component) AS is_nearest,
           coalesce(d.original_id, p.query_id) = coalesce(e.original_id, p.relative_id) AS is_copy
    FROM audit_pair AS p
    JOIN audit_run AS r USING (run_id)
    ANTI JOIN side_parts($run_id) AS s USING (query_id, component, relative_id, relative_component)
    LEFT JOIN oldest AS d ON d.id = p.query_id
    LEFT JOIN oldest AS e ON e.id = p.relative_id
    WHERE p.run_id = $run_id AND p.origin = 'derivation' AND p.log10_evalue <= r.max_log10_e
), settled AS (
    SELECT query_id AS one, relative_id AS other FROM related
    WHERE is_copy OR direction_probability >= $told OR direction IN ('descendant', 'sibling')
    UNION
    SELECT model_id, led_id FROM led ANTI JOIN led AS back ON back.model_id = led.led_id AND back.led_id = led.model_id
    UNION
    SELECT r.query_id, r.relative_id
    FROM related AS r
    JOIN declared_parent AS d ON d.model_id = r.query_id
    JOIN declared_parent AS e ON e.model_id = r.relative_id AND model_spelling(e.parent) = model_spelling(d.parent)
    WHERE r.is_nearest
), placed AS (
    SELECT DISTINCT query_id, component FROM audit_finding WHERE run_id = $run_id AND kind = 'ancestor'
), nearest AS (
    SELECT n.query_id, n.component, n.relative_id, n.relative_component, m.released_at AS mine, o.released_at AS theirs,
           concat_ws(' ', m.uri, m.revision, n.component) AS my_place, concat_ws(' ', o.uri, o.revision, n.relative_component) AS their_place
    FROM related AS n
    JOIN model AS m ON m.model_id = n.query_id
    JOIN model AS o ON o.model_id = n.relative_id
    ANTI JOIN settled AS s ON s.one = n.query_id AND s.other = n.relative_id
    ANTI JOIN settled AS s ON s.one = n.relative_id AND s.other = n.query_id
    ANTI JOIN placed ON placed.query_id = n.query_id AND placed.component = n.component
    WHERE n.is_nearest
), once AS (
    FROM nearest
    QUALIFY row_number() OVER (
        PARTITION BY least(my_place, their_place), greatest(my_place, their_place) ORDER BY coalesce(mine < theirs, false), my_place DESC
    ) = 1
)
SELECT $run_id, 'ancestor', 'direction_unknown', o.query_id, o.component, o.relative_id, o.relative_component, NULL,
       p.reason || '; which came first cannot be told'
FROM once AS o
JOIN audit_pair AS p
  ON p.run_id = $run_id AND p.query_id = o.query_id AND p.component = o.component AND p.relative_id = o.relative_id
 AND p.relative_component = o.relative_component
ORDER BY o.query_id, o.component, o.relative_id, o.relative_component;
