-- A copy is equal in both directions. A classifier on a frozen encoder holds all of the encoder, and so were the two duplicates and
-- one node of a tree, although the encoder holds nothing of the classifier's head.

-- The components of pairs of run `of_run` whose answer calls them a copy, by flags `kinds`; `whole`: the query holds all of the
-- relative's component too. That is what the answer about the relative says, where it was asked. Else no varying tensor of an equal
-- one has values that the query lacks, and no place of a matrix of a rounded one is empty in the query, which may lack some where it
-- is told to be the rounding.
CREATE MACRO copied_components(of_run, kinds) AS TABLE
    WITH same AS MATERIALIZED (
        SELECT p.query_id, p.component, p.relative_id, p.relative_component, list_contains(p.relation, 'identical') AS equal,
               coalesce(p.direction = 'copy' AND p.direction_probability >= 0.95, false) AS rounded
        FROM audit_pair AS p
        JOIN audit_run AS r USING (run_id)
        WHERE p.run_id = of_run AND p.origin IS NOT NULL AND p.log10_evalue <= r.max_log10_e AND list_has_any(p.relation, kinds)
    ), reverse AS (
        SELECT s.query_id, s.component, s.relative_id, s.relative_component,
               p.origin IS NOT NULL AND list_has_any(p.relation, kinds) AS copied
        FROM same AS s
        JOIN audit_pair AS p
          ON p.run_id = of_run AND p.query_id = s.relative_id AND p.component = s.relative_component AND p.relative_id = s.query_id
         AND p.relative_component = s.component
    ), alone AS (
        FROM same ANTI JOIN reverse USING (query_id, component, relative_id, relative_component)
    ), tensors AS (
        SELECT model_id, component, coalesce(layer, -1) AS layer, coalesce(expert, -1) AS expert, role, slot, hash,
               std != 0 AS varies, len(shape) > 1 AS is_matrix
        FROM tensor
        WHERE hash IS NOT NULL AND slot != 'buffer' AND model_id IN (SELECT query_id FROM alone UNION SELECT relative_id FROM alone)
    ), lacking AS (
        SELECT DISTINCT a.query_id, a.component, a.relative_id, a.relative_component
        FROM alone AS a
        JOIN tensors AS t ON t.model_id = a.relative_id AND t.component = a.relative_component AND t.varies
        WHERE CASE
                  WHEN a.equal THEN NOT EXISTS (FROM tensors AS q WHERE q.model_id = a.query_id AND q.hash = t.hash)
                  WHEN a.rounded THEN false
                  ELSE t.is_matrix AND NOT EXISTS (
                      FROM tensors AS q
                      WHERE q.model_id = a.query_id AND q.component = a.component AND q.layer = t.layer AND q.expert = t.expert
                        AND q.role = t.role AND q.slot = t.slot
                  )
              END
    )
    SELECT s.query_id, s.component, s.relative_id, s.relative_component, coalesce(r.copied, l.query_id IS NULL) AS whole
    FROM same AS s
    LEFT JOIN reverse AS r USING (query_id, component, relative_id, relative_component)
    LEFT JOIN lacking AS l USING (query_id, component, relative_id, relative_component);

-- Pairs of run `of_run` of which the answer about the query calls a component a copy, by flags `kinds`: whether all components of
-- the query that were compared by matrices are such copies of the relative's, and all of the relative's of the query's, which must
-- hold them whole. Of models that are no longer registered only those that the run found count.
CREATE OR REPLACE MACRO copied_whole(of_run, kinds) AS TABLE
    WITH same AS (
        SELECT query_id, relative_id, count(DISTINCT component) AS mine,
               count(DISTINCT relative_component) AS found, count(DISTINCT relative_component) FILTER (whole) AS theirs
        FROM copied_components(of_run, kinds)
        GROUP BY ALL
    ), parts AS (
        SELECT model_id, count(DISTINCT component) AS components
        FROM tensor
        WHERE sampled > 0 AND model_id IN (SELECT query_id FROM same UNION SELECT relative_id FROM same)
        GROUP BY ALL
    )
    SELECT s.query_id, s.relative_id, s.mine >= coalesce(q.components, s.mine) AS in_relative,
           s.theirs >= coalesce(r.components, s.found) AS in_query
    FROM same AS s
    LEFT JOIN parts AS q ON q.model_id = s.query_id
    LEFT JOIN parts AS r ON r.model_id = s.relative_id;

COMMENT ON MACRO TABLE copied_components IS 'components of a run of the audit that are copies of another, and whether they hold all of it';
COMMENT ON MACRO TABLE copied_whole IS 'pairs of a run of the audit that share components as copies, and whether one holds all of the other';
