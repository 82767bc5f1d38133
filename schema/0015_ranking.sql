-- Ranking in SQL: FROM ancestors(...) compares every tensor with those of its role in all layers, counts coverage of all
-- parameters, and corrects for what was tried. Sketches alone are FROM nearest(...). A name that no model has is an error.

-- The models that a name means; none is an error.
CREATE MACRO known_models(query_name) AS TABLE
    WITH meant AS MATERIALIZED (
        SELECT model_id FROM named_models([query_name])
    )
    FROM meant
    UNION ALL
    SELECT error('no model is called ' || coalesce(query_name, 'NULL') || '; FROM model SELECT name lists those there are')::UINTEGER
    WHERE NOT EXISTS (FROM meant);

-- Every component of a model against all others by their sketches.
DROP MACRO TABLE IF EXISTS neighbors; -- `nearest` now
CREATE MACRO sketched(query_name) AS TABLE
    SELECT mine.model_id AS query_id, other.model_id, mine.component, other.component AS other_component,
           position_z(mine.position_roles, mine.positions, other.position_roles, other.positions) AS position_z,
           gram_z(mine.gram_roles, mine.gram, other.gram_roles, other.gram) AS gram_z,
           column_z(mine.column_bits, mine.o_filled, mine.down_filled, other.column_bits, other.o_filled, other.down_filled)
               AS column_z
    FROM (FROM sketch WHERE model_id IN (FROM known_models(query_name))) AS mine
    JOIN sketch AS other
      ON other.model_id != mine.model_id AND component_kind(other.component) = component_kind(mine.component);

-- The nearest models by sketch alone: FROM nearest('org/model', k := 10).
CREATE MACRO nearest(query_name, k := 10) AS TABLE
    SELECT row_number() OVER (PARTITION BY p.query_id, p.component
                              ORDER BY greatest(position_z, gram_z, column_z) DESC, p.model_id) AS rank,
           m.name, m.uri AS source, p.component, p.position_z, p.gram_z, p.column_z
    FROM sketched(query_name) AS p JOIN model AS m USING (model_id)
    QUALIFY rank <= k
    ORDER BY p.query_id, p.component, rank;

-- How far more of `tried` tensors match than one in a hundred, which match by chance: the signed root of twice their
-- log-likelihood ratio, less what choosing the best of `models` models is worth. Standard normal or less for unrelated models.
CREATE MACRO matches_z(matched, tried, models) AS
    CASE WHEN tried > 0 AND matched > 0.01 * tried
         THEN sqrt(greatest(0, 2 * (matched * ln(matched / (0.01 * tried))
                                    + CASE WHEN matched < tried THEN (tried - matched) * ln((tried - matched) / (0.99 * tried)) ELSE 0 END)
                               - 2 * ln(greatest(models, 1))))
         ELSE 0 END;

-- Log10 of the chance that `tried` standard normal numbers have one of `z` or more, by Mills' ratio; 0 where z is small.
CREATE MACRO best_log10_p(z, tried) AS
    CASE WHEN z > 1 THEN least(0, log10(tried) - z * z / 2 / ln(10) - log10(z * 2.5066282746310002)) ELSE 0 END;

-- The likeliest ancestors: of every tensor of the query the tensor of the same role that correlates most with it, over all
-- layers and experts of a candidate, and rows of embeddings by token. For 4 k candidates by sketch.
-- z: how many more layers' tensors match than chance would have, for this many models: 0 or next to it for unrelated models.
-- identity: correlation of what matched, by size. coverage: share of all parameters of the component, skipped ones
-- included, that matched or are equal. distance: relative RMS difference, what has no match as if unrelated (sqrt(2)).
-- direction: `copy` where all values that were read are equal, else `unknown`: weights and dates do not tell it here. older:
-- by release dates, NULL where one is missing; what is younger cannot be an ancestor and comes last.
CREATE OR REPLACE MACRO ancestors(query_name, k := 10) AS TABLE
    WITH near AS MATERIALIZED (
        SELECT *, greatest(position_z, gram_z, column_z) AS sketch_z
        FROM sketched(query_name)
        QUALIFY row_number() OVER (PARTITION BY query_id, component ORDER BY sketch_z DESC, model_id, other_component) <= 4 * k
    ), taking_part AS MATERIALIZED (
        SELECT query_id AS model_id, component FROM near UNION SELECT model_id, other_component FROM near
    ), held AS MATERIALIZED (
        SELECT model_id, tensor_id, component, layer, expert,
               CASE WHEN role IN ('other', 'conv') THEN role || ' ' || shape::VARCHAR ELSE role || ' ' || slot END
                   || CASE WHEN layer IS NULL THEN ' @' ELSE '' END AS key,
               role, list_product(shape[2:]) AS inputs, sampled, rows_read, hash, std,
               CASE WHEN role = 'head' AND rows_read = 0
                     AND bool_or(role = 'embed' AND rows_read > 0) OVER (PARTITION BY model_id, component)
                    THEN 0 ELSE represents END AS parameters
        FROM tensor SEMI JOIN taking_part USING (model_id, component)
    ), chosen AS (
        SELECT model_id, tensor_id, sampled, p.value, (p.value::FLOAT[])[1:sampled] AS kept
        FROM held JOIN positions AS p USING (model_id, tensor_id)
    ), limits AS (
        SELECT *, list_median(kept) AS middle, 6 * 1.4826 * list_aggregate(kept, 'mad') AS reach FROM chosen
    ), cut AS (
        SELECT * REPLACE (CASE WHEN reach > 0
                               THEN list_transform(kept, lambda x: greatest(least(x, middle + reach), middle - reach)) ELSE kept END AS kept)
        FROM limits
    ), moments AS (
        SELECT *, list_avg(kept) AS mean, list_stddev_pop(kept) * sqrt(sampled) AS length FROM cut
    ), vectors AS MATERIALIZED (
        SELECT model_id, tensor_id, value,
               list_resize(list_transform(kept, lambda x: (x - mean) / greatest(length, 1e-30)), 256, 0)::FLOAT[256] AS direction
        FROM moments
    ), matrices AS MATERIALIZED (
        SELECT * FROM held JOIN vectors USING (model_id, tensor_id)
    ), tried AS (
        SELECT n.query_id, n.component, n.model_id, n.other_component, a.tensor_id,
               count(*) AS tries, any_value(a.sampled) AS sampled,
               max_by(b.tensor_id, array_inner_product(a.direction, b.direction)) AS other_tensor,
               max(array_inner_product(a.direction, b.direction)) AS r
        FROM near AS n
        JOIN matrices AS a ON a.model_id = n.query_id AND a.component = n.component
        JOIN matrices AS b
          ON b.model_id = n.model_id AND b.component = n.other_component AND b.key = a.key AND b.inputs = a.inputs
         AND b.sampled = a.sampled
        GROUP BY ALL
    ), best AS (
        SELECT t.* EXCLUDE (tensor_id, other_tensor), t.tensor_id,
               best_log10_p(atanh(greatest(least(r, 0.999999), -0.999999)) * sqrt(greatest(sampled - 3, 0)) / 1.3, tries) <= -2 AS matches,
               array_distance(a.value, b.value) ^ 2
                   / nullif((array_inner_product(a.value, a.value) + array_inner_product(b.value, b.value)) / 2, 0) AS difference
        FROM tried AS t
        JOIN vectors AS a ON a.model_id = t.query_id AND a.tensor_id = t.tensor_id
        JOIN vectors AS b ON b.model_id = t.model_id AND b.tensor_id = t.other_tensor
    ), rows_of_tokens AS MATERIALIZED (
        SELECT r.model_id, r.tensor_id, component, role, inputs, token, r.value,
               list_avg(r.value::FLOAT[]) AS mean, list_stddev_pop(r.value::FLOAT[]) AS deviation
        FROM token_row AS r JOIN held USING (model_id, tensor_id)
    ), shared AS (
        SELECT n.query_id, n.component, n.model_id, n.other_component, a.tensor_id, count(*) AS tokens,
               avg(coalesce((array_inner_product(a.value, b.value) / 64 - a.mean * b.mean) / nullif(a.deviation * b.deviation, 0), 0)) AS r,
               sum(array_distance(a.value, b.value) ^ 2)
                   / nullif(sum(array_inner_product(a.value, a.value) + array_inner_product(b.value, b.value)) / 2, 0) AS difference
        FROM near AS n
        JOIN rows_of_tokens AS a ON a.model_id = n.query_id AND a.component = n.component
        JOIN rows_of_tokens AS b
          ON b.model_id = n.model_id AND b.component = n.other_component AND b.role = a.role AND b.inputs = a.inputs AND b.token = a.token
        GROUP BY ALL
        HAVING tokens >= 8
    ), compared AS (
        SELECT query_id, component, model_id, other_component, tensor_id, r, difference, matches, true AS counted FROM best
        UNION ALL
        SELECT query_id, component, model_id, other_component, tensor_id, r, difference,
               r * sqrt(61 * tokens) / 1.3 > 2.3263478740408408, false
        FROM shared
    ), of_query AS (
        SELECT n.query_id, n.component, n.model_id, n.other_component, n.position_z, n.gram_z, n.column_z, n.sketch_z,
               h.tensor_id, h.parameters, c.r, c.difference, coalesce(c.matches, false) AS matches, coalesce(c.counted, false) AS counted,
               c.tensor_id IS NOT NULL OR h.tensor_id IN (SELECT tensor_id FROM vectors WHERE vectors.model_id = n.query_id)
                   OR h.role IN ('embed', 'head') AND h.parameters > 0 AND h.rows_read > 0 AS scorable,
               h.rows_read > 0 AND h.std > 0 AND h.hash IS NOT NULL
                   AND EXISTS (FROM held AS o WHERE o.model_id = n.model_id AND o.component = n.other_component AND o.hash = h.hash) AS equal
        FROM near AS n
        JOIN held AS h ON h.model_id = n.query_id AND h.component = n.component
        LEFT JOIN compared AS c
          ON c.query_id = n.query_id AND c.component = n.component AND c.model_id = n.model_id
         AND c.other_component = n.other_component AND c.tensor_id = h.tensor_id
    ), sizes AS (
        SELECT model_id AS query_id, component, sum(parameters) AS parameters
        FROM (
            SELECT model_id, component, parameters FROM held
            UNION ALL
            SELECT model_id, component, parameters FROM skipped_tensor
        )
        WHERE model_id IN (SELECT query_id FROM near)
        GROUP BY ALL
    ), scored AS (
        SELECT query_id, component, model_id, other_component, any_value(position_z) AS position_z, any_value(gram_z) AS gram_z,
               any_value(column_z) AS column_z, any_value(sketch_z) AS sketch_z,
               coalesce(sum(parameters * r) FILTER (matches) / nullif(sum(parameters) FILTER (matches), 0), 0) AS identity,
               coalesce(sum(parameters) FILTER (matches OR equal), 0) AS covered,
               sqrt(sum(CASE WHEN scorable THEN parameters * CASE WHEN matches THEN least(difference, 2) ELSE 2 END END)
                    / nullif(sum(parameters) FILTER (scorable), 0)) AS distance,
               matches_z(count(*) FILTER (counted AND matches), count(*) FILTER (counted), (SELECT count(*) FROM model)) AS z
        FROM of_query
        GROUP BY ALL
    ), one_each AS (
        FROM scored
        QUALIFY row_number() OVER (PARTITION BY query_id, component, model_id ORDER BY z DESC, distance, sketch_z DESC) = 1
    )
    SELECT row_number() OVER (PARTITION BY s.query_id, s.component
                              ORDER BY m.content = q.content DESC, coalesce(m.released_at > q.released_at, false), z > 4 DESC, distance,
                                       sketch_z DESC, s.model_id) AS rank,
           m.name, m.uri AS source, s.component, s.z, s.identity, least(1, s.covered / t.parameters) AS coverage, s.distance,
           s.position_z, s.gram_z, s.column_z,
           CASE WHEN m.content = q.content THEN 'copy' ELSE 'unknown' END AS direction,
           m.released_at <= q.released_at AS older,
           EXISTS (FROM declared_parents AS d WHERE d.model_id = s.query_id AND d.parent_id = s.model_id) AS declared
    FROM one_each AS s
    JOIN model AS m USING (model_id)
    JOIN model AS q ON q.model_id = s.query_id
    JOIN sizes AS t ON t.query_id = s.query_id AND t.component = s.component
    QUALIFY rank <= k
    ORDER BY s.query_id, s.component, rank;

COMMENT ON MACRO TABLE known_models IS 'the models that a name means; an error where there is none';
COMMENT ON MACRO TABLE sketched IS 'every component of a model against all others by their sketches, as z: FROM sketched(name)';
COMMENT ON MACRO TABLE nearest IS 'the nearest models by sketch alone: FROM nearest(name, k := 10)';
COMMENT ON MACRO matches_z IS 'how many more of the tensors match than one in a hundred would by chance, as z for this many models';
COMMENT ON MACRO best_log10_p IS 'log10 of the chance that the best of so many standard normal numbers reaches z';
COMMENT ON MACRO TABLE ancestors IS 'the likeliest ancestors: FROM ancestors(name, k := 10). Tensors are compared with those of their role in all layers, by positions, and embeddings by token. E-values, gram, column sets, activations, lineage and verdicts are the command''s; audit_latest holds its answers';
