-- Family trees: what the pairs of an audit say of who descends from whom, once a pair of models.

-- Which run a tree is drawn from: the newest finished one that asked about every model, or else the newest finished one.
CREATE MACRO tree_run() AS (
    SELECT run_id
    FROM audit_run
    WHERE finished_at IS NOT NULL
    ORDER BY (queries = '' AND against = '' AND since IS NULL) DESC, run_id DESC
    LIMIT 1
);

-- The related pairs of a run, a shared initialisation alone left out. `directed`: the answer about the child tells at 0.95
-- that the parent is its ancestor, and no answer contradicts it; else the order of the two says nothing.
-- `nearest`: the parent is what the answer about the child holds for its likeliest nearest ancestor, or a parent of a merge.
-- `told_first`: of the ancestors that are told of the child, the first. `copies`: equal value for value.
CREATE MACRO lineage_pairs(of_run) AS TABLE
    WITH answered AS (
        SELECT p.query_id, p.relative_id, p.component, p.place, p.origin, p.direction_by, p.relation, p.reason, p.merged_with,
               p.log10_evalue, p.distance,
               CASE
                   WHEN list_contains(p.relation, 'identical') THEN 'copy'
                   WHEN p.origin != 'derivation' THEN NULL
                   WHEN p.direction IN ('ancestor', 'copy') AND p.direction_probability >= 0.95 THEN 'ancestor'
                   WHEN p.direction = 'descendant' OR (p.direction = 'copy' AND p.direction_probability <= 0.05) THEN 'later'
                   WHEN p.direction = 'sibling' THEN 'sibling'
                   ELSE ''
               END AS told
        FROM audit_pair AS p
        JOIN audit_run AS r USING (run_id)
        WHERE p.run_id = of_run AND p.origin IN ('derivation', 'undetermined') AND p.log10_evalue <= r.max_log10_e
          AND p.query_id != p.relative_id
    ), placed AS (
        SELECT *,
               told IN ('', 'ancestor') AND (merged_with IS NOT NULL OR place = min(place) FILTER (told IN ('', 'ancestor')) OVER one
                   AND bool_and(merged_with IS NULL) OVER one) AS nearest,
               told = 'ancestor' AND place = min(place) FILTER (told = 'ancestor') OVER one AS told_first
        FROM answered
        WINDOW one AS (PARTITION BY query_id, component)
    ), pairs AS (
        SELECT least(query_id, relative_id) AS a, greatest(query_id, relative_id) AS b,
               coalesce(bool_or(told = 'ancestor' AND query_id > relative_id), false) AS a_first,
               coalesce(bool_or(told = 'ancestor' AND query_id < relative_id), false) AS b_first,
               coalesce(bool_or(told = 'sibling'), false) AS siblings,
               coalesce(bool_or(told = 'copy'), false) AS copies,
               coalesce(bool_or(nearest), false) AS nearest,
               coalesce(bool_or(told_first), false) AS told_first,
               min(log10_evalue) AS log10_evalue, min(distance) AS distance,
               list(DISTINCT component ORDER BY component) AS components,
               arg_min(relation, log10_evalue) FILTER (query_id < relative_id) AS relation_of_a,
               arg_min(relation, log10_evalue) FILTER (query_id > relative_id) AS relation_of_b,
               arg_min(reason, log10_evalue) AS reason,
               arg_min(direction_by, log10_evalue) FILTER (told = 'ancestor') AS told_by
        FROM placed
        GROUP BY ALL
    ), oriented AS (
        SELECT *, a_first != b_first AND NOT siblings AND NOT copies AS directed FROM pairs
    )
    SELECT CASE WHEN directed AND b_first THEN a ELSE b END AS child_id,
           CASE WHEN directed AND b_first THEN b ELSE a END AS parent_id,
           directed, nearest, told_first, siblings, copies, components,
           coalesce(CASE WHEN directed AND b_first THEN relation_of_a ELSE relation_of_b END, relation_of_a, relation_of_b) AS relation,
           reason || CASE
               WHEN directed THEN '; by ' || coalesce(nullif(told_by, ''), 'nothing else')
               WHEN copies THEN ''
               WHEN a_first AND b_first THEN '; which came first: the answers about the two contradict each other'
               WHEN siblings THEN '; neither is told to come from the other'
               ELSE '; which came first cannot be told'
           END AS "by",
           log10_evalue, distance
    FROM oriented;

-- What of the newest audit a tree is made of, with names: nearest relatives, ancestors that are told, copies. What holds the
-- rest of a family together `forebear tree` adds.
CREATE VIEW tree_edges AS
    SELECT c.name AS child, c.source AS child_source, p.name AS parent, p.source AS parent_source, e.directed, e.relation, e."by",
           e.log10_evalue, e.components
    FROM lineage_pairs(tree_run()) AS e
    JOIN audit_model AS c ON c.run_id = tree_run() AND c.id = e.child_id
    JOIN audit_model AS p ON p.run_id = tree_run() AND p.id = e.parent_id
    WHERE e.nearest OR e.told_first OR e.copies;

COMMENT ON MACRO tree_run IS 'which run of the audit a tree is drawn from: the newest finished one that asked about every model';
COMMENT ON MACRO TABLE lineage_pairs IS 'the related pairs of a run of the audit, each once, directed where the answer about the child tells it at 0.95';
COMMENT ON VIEW tree_edges IS 'edges of the family trees of the newest audit: nearest relatives, ancestors that are told, copies';
COMMENT ON COLUMN tree_edges.child IS 'name of the model that came later, or of either where directed is false';
COMMENT ON COLUMN tree_edges.child_source IS 'its source';
COMMENT ON COLUMN tree_edges.parent IS 'name of the model that came first, or of the other one where directed is false';
COMMENT ON COLUMN tree_edges.parent_source IS 'its source';
COMMENT ON COLUMN tree_edges.directed IS 'whether the answer about the child tells at 0.95 that the parent is its ancestor, and nothing contradicts it';
COMMENT ON COLUMN tree_edges.relation IS 'what was done to the weights, as flags';
COMMENT ON COLUMN tree_edges."by" IS 'what the edge rests on, in words';
COMMENT ON COLUMN tree_edges.log10_evalue IS 'log10 of the E-value of the pair, the smaller one of the two answers';
COMMENT ON COLUMN tree_edges.components IS 'the components in which the two are related';
