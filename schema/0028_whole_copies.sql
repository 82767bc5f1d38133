-- Pairs of a family tree, as before, but models are copies only where everything that was read of both is equal. Two models that
-- share one component value for value (the frozen vision tower of two assistants, the autoencoder of two diffusion models, the
-- language model inside an assistant) were one node. Such a pair is `nearest` now for the component of the model that holds more:
-- with what it holds whole, else with the first that shares it. What is said of the other components of the two goes before it.

-- The related pairs of a run, a shared initialisation alone left out. `directed`: the answer about the child tells at 0.95
-- that the parent is its ancestor, and no answer contradicts it; else the order of the two says nothing.
-- `nearest`: the parent is what the answer about the child holds for its likeliest nearest ancestor, a parent of a merge, or a model
-- that holds the same component. `told_first`: of the ancestors that are told of the child, the first. `copies`: equal in all
-- components; of models that are no longer registered, in all that the run compared.
CREATE OR REPLACE MACRO lineage_pairs(of_run) AS TABLE
    WITH answered AS (
        SELECT p.query_id, p.relative_id, p.component, p.relative_component, p.place, p.origin, p.direction_by, p.relation, p.reason, p.merged_with,
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
    ), equal AS (
        SELECT query_id, relative_id, count(DISTINCT component) AS mine, count(DISTINCT relative_component) AS theirs
        FROM answered
        WHERE told = 'copy'
        GROUP BY ALL
    ), parts AS (
        SELECT model_id, count(DISTINCT component) AS components
        FROM tensor
        WHERE sampled > 0 AND model_id IN (SELECT query_id FROM equal UNION SELECT relative_id FROM equal)
        GROUP BY ALL
    ), held AS (
        SELECT e.query_id, e.relative_id, e.mine >= coalesce(q.components, e.mine) AS in_relative,
               e.theirs >= coalesce(r.components, e.theirs) AS in_query
        FROM equal AS e
        LEFT JOIN parts AS q ON q.model_id = e.query_id
        LEFT JOIN parts AS r ON r.model_id = e.relative_id
    ), part_of AS (
        SELECT a.query_id, a.component, a.relative_id
        FROM answered AS a JOIN held AS h USING (query_id, relative_id)
        WHERE a.told = 'copy' AND NOT h.in_relative
        QUALIFY row_number() OVER (PARTITION BY a.query_id, a.component ORDER BY h.in_query DESC, a.relative_id) = 1
    ), placed AS (
        SELECT a.*, h.in_relative AND h.in_query AS whole,
               told IN ('', 'ancestor') AND (merged_with IS NOT NULL OR place = min(place) FILTER (told IN ('', 'ancestor')) OVER one
                   AND bool_and(merged_with IS NULL) OVER one AND bool_and(o.query_id IS NULL) OVER one)
                   OR o.query_id IS NOT NULL AS nearest,
               told = 'ancestor' AND place = min(place) FILTER (told = 'ancestor') OVER one AS told_first
        FROM answered AS a
        LEFT JOIN held AS h USING (query_id, relative_id)
        LEFT JOIN part_of AS o USING (query_id, component, relative_id)
        WINDOW one AS (PARTITION BY query_id, component)
    ), pairs AS (
        SELECT least(query_id, relative_id) AS a, greatest(query_id, relative_id) AS b,
               coalesce(bool_or(told = 'ancestor' AND query_id > relative_id), false) AS a_first,
               coalesce(bool_or(told = 'ancestor' AND query_id < relative_id), false) AS b_first,
               coalesce(bool_or(told = 'sibling'), false) AS siblings,
               coalesce(bool_or(whole), false) AS copies,
               coalesce(bool_or(nearest), false) AS nearest,
               coalesce(bool_or(told_first), false) AS told_first,
               min(log10_evalue) AS log10_evalue, min(distance) AS distance,
               list(DISTINCT component ORDER BY component) AS components,
               coalesce(arg_min(relation, log10_evalue) FILTER (query_id < relative_id AND told IS DISTINCT FROM 'copy'),
                        arg_min(relation, log10_evalue) FILTER (query_id < relative_id)) AS relation_of_a,
               coalesce(arg_min(relation, log10_evalue) FILTER (query_id > relative_id AND told IS DISTINCT FROM 'copy'),
                        arg_min(relation, log10_evalue) FILTER (query_id > relative_id)) AS relation_of_b,
               coalesce(arg_min(reason, log10_evalue) FILTER (told IS DISTINCT FROM 'copy'), arg_min(reason, log10_evalue)) AS reason,
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

COMMENT ON MACRO TABLE lineage_pairs IS 'the related pairs of a run of the audit, each once, directed where the answer about the child tells it at 0.95';
