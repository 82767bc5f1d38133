-- Models of several components. Two that share one of them value for value (the frozen vision tower of two assistants, the text
-- encoder of two diffusion models) were duplicates in an audit, and one node and one family in a tree. A copy is equal in all of its
-- components now, and what two models share beside their main components draws nothing and makes no family.

-- The relations of run `of_run` in what is the main component of neither model, of those that are registered still. The main one is
-- a denoiser, or else what has the most parameters.
CREATE MACRO side_parts(of_run) AS TABLE
    WITH main AS MATERIALIZED (
        SELECT model_id, component
        FROM (
            SELECT model_id, component, sum(represents) AS parameters
            FROM tensor
            WHERE model_id IN (SELECT query_id FROM audit_pair WHERE run_id = of_run UNION SELECT relative_id FROM audit_pair WHERE run_id = of_run)
            GROUP BY ALL
        )
        QUALIFY row_number() OVER (PARTITION BY model_id ORDER BY component = 'denoiser' DESC, parameters DESC, component) = 1
    )
    SELECT p.query_id, p.component, p.relative_id, p.relative_component
    FROM audit_pair AS p
    JOIN main AS q ON q.model_id = p.query_id
    JOIN main AS r ON r.model_id = p.relative_id
    WHERE p.run_id = of_run AND q.component != p.component AND r.component != p.relative_component;

-- Pairs of run `of_run` of which the answer about the query calls a component a copy, by flags `kinds`: whether all components of
-- the query that were compared by matrices are such copies of the relative's, and all of the relative's of the query's. Of models
-- that are no longer registered only those that the run found count.
CREATE MACRO copied_whole(of_run, kinds) AS TABLE
    WITH same AS (
        SELECT p.query_id, p.relative_id, count(DISTINCT p.component) AS mine, count(DISTINCT p.relative_component) AS theirs
        FROM audit_pair AS p
        JOIN audit_run AS r USING (run_id)
        WHERE p.run_id = of_run AND p.origin IS NOT NULL AND p.log10_evalue <= r.max_log10_e AND list_has_any(p.relation, kinds)
        GROUP BY ALL
    ), parts AS (
        SELECT model_id, count(DISTINCT component) AS components
        FROM tensor
        WHERE sampled > 0 AND model_id IN (SELECT query_id FROM same UNION SELECT relative_id FROM same)
        GROUP BY ALL
    )
    SELECT s.query_id, s.relative_id, s.mine >= coalesce(q.components, s.mine) AS in_relative,
           s.theirs >= coalesce(r.components, s.theirs) AS in_query
    FROM same AS s
    LEFT JOIN parts AS q ON q.model_id = s.query_id
    LEFT JOIN parts AS r ON r.model_id = s.relative_id;

-- The related pairs of a run, a shared initialisation alone left out. `directed`: the answer about the child tells at 0.95
-- that the parent is its ancestor, and no answer contradicts it; else the order of the two says nothing.
-- `nearest`: the parent is what the answer about the child holds for its likeliest nearest ancestor, a parent of a merge, or a
-- model that the child holds whole or shares a component with, value for value. `told_first`: of the ancestors that are told of the
-- child, the first. `copies`: equal in all components. `components`: in which the two are related; the relation is that of the first.
CREATE OR REPLACE MACRO lineage_pairs(of_run) AS TABLE
    WITH answered AS (
        SELECT p.query_id, p.relative_id, p.component, p.place, p.origin, p.direction_by, p.relation, p.reason, p.merged_with,
               p.log10_evalue, p.distance, h.in_relative, h.in_query, s.query_id IS NOT NULL AS aside,
               CASE
                   WHEN s.query_id IS NOT NULL THEN NULL
                   WHEN list_contains(p.relation, 'identical') THEN 'copy'
                   WHEN p.origin != 'derivation' THEN NULL
                   WHEN p.direction IN ('ancestor', 'copy') AND p.direction_probability >= 0.95 THEN 'ancestor'
                   WHEN p.direction = 'descendant' OR (p.direction = 'copy' AND p.direction_probability <= 0.05) THEN 'later'
                   WHEN p.direction = 'sibling' THEN 'sibling'
                   ELSE ''
               END AS told
        FROM audit_pair AS p
        JOIN audit_run AS r USING (run_id)
        LEFT JOIN copied_whole(of_run, ['identical']) AS h USING (query_id, relative_id)
        LEFT JOIN side_parts(of_run) AS s USING (query_id, component, relative_id, relative_component)
        WHERE p.run_id = of_run AND p.origin IN ('derivation', 'undetermined') AND p.log10_evalue <= r.max_log10_e
          AND p.query_id != p.relative_id
    ), part_of AS (
        SELECT query_id, component, relative_id
        FROM answered
        WHERE told = 'copy' AND NOT in_relative
        QUALIFY row_number() OVER (PARTITION BY query_id, component ORDER BY in_query DESC, relative_id) = 1
    ), placed AS (
        SELECT a.*,
               o.query_id IS NOT NULL
                   OR told IN ('', 'ancestor') AND (merged_with IS NOT NULL OR place = min(place) FILTER (told IN ('', 'ancestor')) OVER one
                   AND bool_and(merged_with IS NULL) OVER one AND bool_and(o.query_id IS NULL) OVER one) AS nearest,
               told = 'ancestor' AND place = min(place) FILTER (told = 'ancestor') OVER one AS told_first
        FROM answered AS a
        LEFT JOIN part_of AS o USING (query_id, component, relative_id)
        WINDOW one AS (PARTITION BY query_id, component)
    ), pairs AS (
        SELECT least(query_id, relative_id) AS a, greatest(query_id, relative_id) AS b,
               coalesce(bool_or(told = 'ancestor' AND query_id > relative_id), false) AS a_first,
               coalesce(bool_or(told = 'ancestor' AND query_id < relative_id), false) AS b_first,
               coalesce(bool_or(told = 'sibling'), false) AS siblings,
               coalesce(bool_or(told = 'copy' AND in_relative AND in_query), false) AS copies,
               coalesce(bool_or(nearest), false) AS nearest,
               coalesce(bool_or(told_first), false) AS told_first,
               min(log10_evalue) AS log10_evalue, min(distance) FILTER (NOT aside) AS distance,
               list(component ORDER BY aside, told IS NOT DISTINCT FROM 'copy', log10_evalue, component) AS components,
               coalesce(arg_min(relation, log10_evalue) FILTER (query_id < relative_id AND NOT aside AND told IS DISTINCT FROM 'copy'),
                        arg_min(relation, log10_evalue) FILTER (query_id < relative_id AND NOT aside)) AS relation_of_a,
               coalesce(arg_min(relation, log10_evalue) FILTER (query_id > relative_id AND NOT aside AND told IS DISTINCT FROM 'copy'),
                        arg_min(relation, log10_evalue) FILTER (query_id > relative_id AND NOT aside)) AS relation_of_b,
               coalesce(arg_min(reason, log10_evalue) FILTER (NOT aside AND told IS DISTINCT FROM 'copy'),
                        arg_min(reason, log10_evalue) FILTER (NOT aside)) AS reason,
               arg_min(direction_by, log10_evalue) FILTER (told = 'ancestor') AS told_by
        FROM placed
        GROUP BY a, b
        HAVING NOT bool_and(aside)
    ), oriented AS (
        SELECT *, a_first != b_first AND NOT siblings AND NOT copies AS directed FROM pairs
    )
    SELECT CASE WHEN directed AND b_first THEN a ELSE b END AS child_id,
           CASE WHEN directed AND b_first THEN b ELSE a END AS parent_id,
           directed, nearest, told_first, siblings, copies, list_filter(components, lambda x, i: list_position(components, x) = i) AS components,
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

COMMENT ON MACRO TABLE side_parts IS 'relations of a run of the audit in what is the main component of neither model: a denoiser, or else the largest';
COMMENT ON MACRO TABLE copied_whole IS 'pairs of a run of the audit that share components as copies, and whether one holds all of the other';
COMMENT ON MACRO TABLE lineage_pairs IS 'the related pairs of a run of the audit, each once, directed where the answer about the child tells it at 0.95';
COMMENT ON COLUMN tree_edges.components IS 'the components in which the two are related; the relation is that of the first';
COMMENT ON COLUMN public.tree_edges.components IS 'the components in which the two are related; the relation is that of the first';
