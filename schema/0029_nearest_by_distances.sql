-- The order of FROM ancestors(...): as before, but relatives that no copy, rounding or mark places stand as the command has them
-- where geometry says most:
-- - where the query lies on the line between two of them, as a linear merge does, these two stand first (of_one, beside and the
--   bounds are the share, the residual and the bounds of queries/lineage/merges);
-- - at light drift (the median pair is less than a step of bfloat16 apart) those stand first that may be the nearest ancestor,
--   together with TIE (0.95) of the probability, and the others behind by distance. How likely each is follows from three terms
--   of the regression of queries/lineage/calibration for families of which nothing is known, at light drift: how near it is to the
--   query beside all others (near), whether a third one stands between the two (against), and how many others it has nobody
--   between (children), as queries/lineage/geometry.py has them. The other terms need the family's tree. A mixture of the query
--   and another counts as LIGHT_MERGE_LATER leaves it (0.08);
-- - what is equal in all values that both hold stands first of these.
-- Pairs are compared as the coarser of their two float types keeps them. At heavy drift the order is by distance, as it was: there
-- the three terms alone agree less with the command than distances do.

-- The likeliest ancestors: of every tensor of the query the tensor of the same role that correlates most with it, over all
-- layers and experts of a candidate, and rows of embeddings by token. For 4 k candidates by sketch.
-- z: how many more layers' tensors match than chance would have, for this many models: 0 or next to it for unrelated models.
-- identity: correlation of what matched, by size. coverage: share of all parameters of the component, skipped ones
-- included, that matched or are equal. distance: relative RMS difference, what has no match as if unrelated (sqrt(2)).
-- Order: copies; what the query may be a rounding of; roundings of it; what may be its nearest ancestor by the distances among all;
-- the other relatives by distance; mixtures of the query and another relative; roundings of another relative; what was made later by
-- its structure; what is related to nothing; what is younger by date.
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
               role, list_product(shape[2:]) AS inputs, sampled, rows_read, hash, std, levels,
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
    ), forms AS MATERIALIZED (
        SELECT *, CASE WHEN most_levels <= 9 THEN 0.3 WHEN most_levels <= 20 THEN 0.16 ELSE 0.015 END AS error
        FROM (
            SELECT h.model_id, h.component, max(h.layer) + 1 AS layers, coalesce(median(h.levels) FILTER (v.tensor_id IS NOT NULL), 32) AS levels,
                   coalesce(max(h.levels) FILTER (v.tensor_id IS NOT NULL), 32) AS most_levels
            FROM held AS h LEFT JOIN vectors AS v USING (model_id, tensor_id)
            GROUP BY ALL
        )
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
    ), best AS MATERIALIZED (
        SELECT t.*, a.parameters, a.expert IS NULL AND b.expert IS NOT NULL AS of_expert,
               a.expert IS NOT NULL AND b.expert IS NULL AS of_dense,
               best_log10_p(atanh(greatest(least(t.r, 0.999999), -0.999999)) * sqrt(greatest(t.sampled - 3, 0)) / 1.3, t.tries) <= -2 AS matches,
               array_distance(a.value, b.value) ^ 2
                   / nullif((array_inner_product(a.value, a.value) + array_inner_product(b.value, b.value)) / 2, 0) AS difference
        FROM tried AS t
        JOIN matrices AS a ON a.model_id = t.query_id AND a.tensor_id = t.tensor_id
        JOIN matrices AS b ON b.model_id = t.model_id AND b.tensor_id = t.other_tensor
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
               coalesce(sum(parameters) FILTER (matches AND scorable), 0) AS matched,
               coalesce(sum(parameters) FILTER (scorable), 0) AS scored_parameters,
               sqrt(sum(CASE WHEN scorable THEN parameters * CASE WHEN matches THEN least(difference, 2) ELSE 2 END END)
                    / nullif(sum(parameters) FILTER (scorable), 0)) AS distance,
               matches_z(count(*) FILTER (counted AND matches), count(*) FILTER (counted), (SELECT count(*) FROM model)) AS z
        FROM of_query
        GROUP BY ALL
    ), one_each AS (
        FROM scored
        QUALIFY row_number() OVER (PARTITION BY query_id, component, model_id ORDER BY z DESC, distance, sketch_z DESC) = 1
    ), placed AS MATERIALIZED (
        SELECT s.query_id, s.component, s.model_id, s.other_component, s.distance,
               mine.levels AS query_levels, other.levels, mine.error AS query_error, other.error, mine.layers AS query_layers, other.layers
        FROM one_each AS s
        JOIN forms AS mine ON mine.model_id = s.query_id AND mine.component = s.component
        JOIN forms AS other ON other.model_id = s.model_id AND other.component = s.other_component
        WHERE s.z > 4 AND s.matched >= s.scored_parameters / 2
        QUALIFY row_number() OVER (PARTITION BY s.query_id, s.component ORDER BY s.distance, s.model_id) <= 24
    ), in_bounds AS MATERIALIZED (
        SELECT p.query_id, p.component, p.model_id, mine.model_id IS NOT NULL AS query_rounded, b.sampled,
               CASE WHEN mine.model_id IS NULL THEN theirs.value ELSE mine.value END::FLOAT[] AS reach,
               CASE WHEN mine.model_id IS NULL THEN v.value ELSE a.value END::FLOAT[] AS code,
               CASE WHEN mine.model_id IS NULL THEN a.value ELSE v.value END::FLOAT[] AS fine
        FROM placed AS p
        JOIN best AS b USING (query_id, component, model_id, other_component)
        JOIN vectors AS a ON a.model_id = b.query_id AND a.tensor_id = b.tensor_id
        JOIN vectors AS v ON v.model_id = b.model_id AND v.tensor_id = b.other_tensor
        LEFT JOIN bounds AS mine ON mine.model_id = b.query_id AND mine.tensor_id = b.tensor_id
        LEFT JOIN bounds AS theirs ON theirs.model_id = b.model_id AND theirs.tensor_id = b.other_tensor
        WHERE b.matches AND (mine.model_id IS NULL) != (theirs.model_id IS NULL)
    ), by_bounds AS (
        SELECT query_id, component, model_id, query_rounded, sum(outside) / sum(sampled) AS outside, avg(filled) AS filled
        FROM (
            SELECT *,
                   list_sum(list_transform(range(1, sampled + 1), lambda i: (NOT fine[i] BETWEEN reach[i] AND reach[256 + i])::INTEGER)) AS outside,
                   list_avg(list_transform(range(1, sampled + 1),
                                           lambda i: abs(fine[i] - code[i]) / nullif(greatest(code[i] - reach[i], reach[256 + i] - code[i]), 0))) AS filled
            FROM in_bounds
        )
        GROUP BY query_id, component, model_id, query_rounded
    ), rounded AS (
        SELECT p.query_id, p.component, p.model_id, f.finer,
               sum(b.parameters * array_distance(v.value, w.value) ^ 2 / nullif(array_inner_product(a.value, a.value), 0)) / sum(b.parameters) AS apart,
               sum(b.parameters * array_distance(a.value, w.value) ^ 2 / nullif(array_inner_product(a.value, a.value), 0)) / sum(b.parameters) AS from_query,
               p.error ^ 2 AS most
        FROM placed AS p
        JOIN (
            SELECT query_id, component, model_id AS finer, levels FROM placed
            UNION ALL
            SELECT DISTINCT query_id, component, query_id, query_levels FROM placed
        ) AS f ON f.query_id = p.query_id AND f.component = p.component AND f.levels > p.levels + 1
        JOIN best AS b
          ON b.query_id = p.query_id AND b.component = p.component AND b.model_id = p.model_id AND b.other_component = p.other_component AND b.matches
        LEFT JOIN best AS c
          ON c.query_id = p.query_id AND c.component = p.component AND c.model_id = f.finer AND c.tensor_id = b.tensor_id AND c.matches
        JOIN vectors AS a ON a.model_id = b.query_id AND a.tensor_id = b.tensor_id
        JOIN vectors AS v ON v.model_id = b.model_id AND v.tensor_id = b.other_tensor
        JOIN vectors AS w ON w.model_id = f.finer AND w.tensor_id = CASE WHEN f.finer = p.query_id THEN b.tensor_id ELSE c.other_tensor END
        GROUP BY p.query_id, p.component, p.model_id, p.error, f.finer
    ), of_query_itself AS (
        SELECT query_id, component, model_id, apart AS own FROM rounded WHERE finer = query_id
    ), roundings AS (
        SELECT r.query_id, r.component, r.model_id,
               CASE WHEN bool_or(r.finer = r.query_id)
                     AND NOT bool_or(r.finer != r.query_id AND (q.own - r.apart) / nullif(r.from_query, 0) >= 0.4)
                    THEN r.query_id ELSE -1 END AS finer
        FROM rounded AS r LEFT JOIN of_query_itself AS q USING (query_id, component, model_id)
        WHERE r.apart <= r.most
        GROUP BY r.query_id, r.component, r.model_id
        HAVING min(r.apart) >= 0.00125 ^ 2
    ), looked_at AS MATERIALIZED (
        SELECT query_id, component, tensor_id
        FROM (SELECT DISTINCT query_id, component, tensor_id FROM best WHERE matches)
        QUALIFY row_number() OVER (PARTITION BY query_id, component ORDER BY tensor_id)
                % greatest(1, count(*) OVER (PARTITION BY query_id, component) // 16) = 0
    ), in_few AS MATERIALIZED (
        SELECT p.query_id, p.component, p.model_id, p.distance, b.tensor_id, v.value, b.parameters ^ 2 / b.sampled AS square,
               b.parameters, b.parameters / nullif(array_inner_product(a.value, a.value), 0) AS weight,
               array_distance(a.value, v.value) ^ 2 AS from_query
        FROM best AS b
        JOIN looked_at AS l USING (query_id, component, tensor_id)
        JOIN placed AS p USING (query_id, component, model_id, other_component)
        JOIN vectors AS a ON a.model_id = b.query_id AND a.tensor_id = b.tensor_id
        JOIN vectors AS v ON v.model_id = b.model_id AND v.tensor_id = b.other_tensor
        WHERE b.matches
    ), within AS (
        SELECT p.query_id, p.component, p.model_id, far.model_id AS further,
               sum(p.parameters) ^ 2 / nullif(sum(p.square), 0) AS places,
               sum(p.weight * p.from_query) AS near_side,
               sum(p.weight * array_distance(p.value, far.value) ^ 2) AS far_side,
               sum(p.weight * far.from_query) AS apart
        FROM in_few AS p
        JOIN in_few AS far USING (query_id, component, tensor_id)
        WHERE far.distance > p.distance
        GROUP BY p.query_id, p.component, p.model_id, far.model_id
    ), mixed AS (
        SELECT DISTINCT query_id, component, model_id
        FROM within
        WHERE least(near_side, far_side) >= apart * 0.2 ^ 2 AND sqrt(near_side) + sqrt(far_side) <= 1.05 * sqrt(apart)
    ), sources AS (
        SELECT query_id, component, model_id, levels
        FROM placed
        WHERE query_levels <= 20 AND levels > query_levels + 1 AND distance <= query_error
        QUALIFY min(distance) OVER (PARTITION BY query_id, component) >= 0.00125
    ), other_sources AS (
        SELECT w.query_id, w.component, w.further AS model_id
        FROM within AS w
        JOIN sources AS a USING (query_id, component, model_id)
        JOIN sources AS b ON b.query_id = w.query_id AND b.component = w.component AND b.model_id = w.further
        WHERE a.levels >= b.levels - 1
          AND (w.apart - w.near_side) / nullif(w.far_side, 0) - 1.645 * 2 * sqrt(w.apart / nullif(w.places * w.far_side, 0)) >= 0.4
    ), alike AS (
        SELECT p.query_id, p.component, p.model_id, a.layer, b.layer AS other_layer, avg(array_inner_product(a.direction, b.direction)) AS r
        FROM placed AS p
        JOIN matrices AS a ON a.model_id = p.query_id AND a.component = p.component
        JOIN matrices AS b
          ON b.model_id = p.model_id AND b.component = p.other_component AND b.key = a.key AND b.inputs = a.inputs AND b.sampled = a.sampled
        WHERE p.query_layers != p.layers AND a.layer IS NOT NULL AND a.expert IS NULL AND b.expert IS NULL
        GROUP BY ALL
    ), counterparts AS (
        SELECT query_id, component, model_id, false AS of_query, other_layer AS layer, arg_max(layer, r) AS counterpart
        FROM alike
        GROUP BY ALL
        HAVING max(r) >= 0.5
        UNION ALL
        SELECT query_id, component, model_id, true, layer, arg_max(other_layer, r)
        FROM alike
        GROUP BY ALL
        HAVING max(r) >= 0.5
    ), stacked AS (
        SELECT query_id, component, model_id, of_query, count(*) AS layers, count(DISTINCT counterpart) < count(*) AS twice
        FROM counterparts
        GROUP BY ALL
    ), by_structure AS (
        SELECT query_id, component, model_id,
               CASE WHEN p.query_layers > p.layers THEN CASE WHEN bool_or(s.of_query AND s.twice) THEN true END
                    WHEN bool_or(NOT s.of_query AND s.twice) THEN false
                    WHEN bool_or(s.of_query AND s.layers = p.query_layers) THEN true END AS query_later
        FROM stacked AS s JOIN placed AS p USING (query_id, component, model_id)
        GROUP BY query_id, component, model_id, p.query_layers, p.layers
    ), marks AS (
        FROM by_structure WHERE query_later IS NOT NULL
        UNION ALL
        SELECT DISTINCT p.query_id, p.component, p.model_id, b.of_dense
        FROM placed AS p JOIN best AS b USING (query_id, component, model_id, other_component)
        WHERE b.matches AND (b.of_expert OR b.of_dense)
        UNION ALL
        SELECT query_id, component, model_id, query_levels > levels
        FROM placed
        WHERE distance > 0 AND distance < 0.00125 AND least(query_levels, levels) <= 20 AND abs(query_levels - levels) > 1
    ), later AS (
        SELECT query_id, component, model_id FROM marks GROUP BY ALL HAVING NOT bool_or(query_later)
    ), tiers AS MATERIALIZED (
        SELECT p.*, m.released_at > q.released_at AS younger, m.content = q.content AS equal,
               CASE WHEN l.model_id IS NOT NULL THEN 3
                    WHEN i.filled >= 0.25 AND i.outside = 0 THEN CASE WHEN i.query_rounded THEN 0 ELSE 0.5 END
                    WHEN i.filled >= 0.42 AND i.outside <= 0.05 AND NOT i.query_rounded THEN 3
                    WHEN NOT i.query_rounded AND i.filled >= 0.25 THEN 2
                    WHEN i.model_id IS NULL AND o.model_id IS NOT NULL AND e.model_id IS NULL THEN 0
                    WHEN f.finer = p.query_id OR f.model_id IS NOT NULL AND abs(p.levels - p.query_levels) <= 1 AND p.distance < 0.00125 THEN 0.5
                    WHEN x.model_id IS NOT NULL THEN 1.5 WHEN f.finer IS NOT NULL THEN 2 ELSE 1 END AS tier
        FROM placed AS p
        JOIN model AS m USING (model_id)
        JOIN model AS q ON q.model_id = p.query_id
        LEFT JOIN roundings AS f ON f.query_id = p.query_id AND f.component = p.component AND f.model_id = p.model_id
        LEFT JOIN by_bounds AS i ON i.query_id = p.query_id AND i.component = p.component AND i.model_id = p.model_id
        LEFT JOIN sources AS o ON o.query_id = p.query_id AND o.component = p.component AND o.model_id = p.model_id
        LEFT JOIN (SELECT DISTINCT query_id, component, model_id FROM other_sources) AS e
          ON e.query_id = p.query_id AND e.component = p.component AND e.model_id = p.model_id
        LEFT JOIN mixed AS x ON x.query_id = p.query_id AND x.component = p.component AND x.model_id = p.model_id
        LEFT JOIN later AS l ON l.query_id = p.query_id AND l.component = p.component AND l.model_id = p.model_id
    ), compared_places AS MATERIALIZED (
        SELECT query_id, component, tensor_id
        FROM (SELECT DISTINCT query_id, component, tensor_id FROM best WHERE matches)
        QUALIFY row_number() OVER (PARTITION BY query_id, component ORDER BY tensor_id)
                % greatest(1, count(*) OVER (PARTITION BY query_id, component) // 32) = 0
    ), nodes AS (
        SELECT t.query_id, t.component, t.model_id AS node, b.tensor_id, v.value, b.parameters,
               b.parameters / nullif(array_inner_product(a.value, a.value), 0) AS weight
        FROM tiers AS t
        JOIN best AS b USING (query_id, component, model_id, other_component)
        JOIN compared_places USING (query_id, component, tensor_id)
        JOIN vectors AS a ON a.model_id = b.query_id AND a.tensor_id = b.tensor_id
        JOIN vectors AS v ON v.model_id = b.model_id AND v.tensor_id = b.other_tensor
        WHERE b.matches AND NOT t.equal AND t.tier IN (1, 1.5, 3)
        UNION ALL
        SELECT c.query_id, c.component, c.query_id, c.tensor_id, v.value, h.parameters,
               h.parameters / nullif(array_inner_product(v.value, v.value), 0)
        FROM compared_places AS c
        JOIN vectors AS v ON v.model_id = c.query_id AND v.tensor_id = c.tensor_id
        JOIN held AS h ON h.model_id = c.query_id AND h.tensor_id = c.tensor_id
    ), rounded_values AS MATERIALIZED (
        SELECT *,
               list_transform(value::FLOAT[], lambda x: CASE WHEN x = 0 THEN 0 ELSE
                              round(x * 2 ^ (7 - floor(log2(abs(x))))) * 2 ^ (floor(log2(abs(x))) - 7) END)::FLOAT[256] AS in_bfloat16,
               list_transform(value::FLOAT[], lambda x: CASE WHEN x = 0 THEN 0 ELSE
                              round(x * 2 ^ (10 - floor(log2(abs(x))))) * 2 ^ (floor(log2(abs(x))) - 10) END)::FLOAT[256] AS in_float16
        FROM nodes
    ), kept_as AS MATERIALIZED (
        SELECT *, CASE WHEN bool_and(value = in_bfloat16) OVER node_of THEN 7 WHEN bool_and(value = in_float16) OVER node_of THEN 10
                       ELSE 23 END AS bits
        FROM rounded_values
        WINDOW node_of AS (PARTITION BY query_id, component, node)
    ), one_way AS MATERIALIZED (
        SELECT a.query_id, a.component, a.node AS one, b.node AS other,
               sum(a.parameters) ^ 2 / sum(a.parameters ^ 2 / 256) AS places,
               sum(a.weight * CASE least(a.bits, b.bits) WHEN 7 THEN array_distance(a.in_bfloat16, b.in_bfloat16)
                                   WHEN 10 THEN array_distance(a.in_float16, b.in_float16) ELSE array_distance(a.value, b.value) END ^ 2)
               / sum(a.parameters) AS squared
        FROM kept_as AS a
        JOIN kept_as AS b USING (query_id, component, tensor_id)
        WHERE a.node < b.node
        GROUP BY a.query_id, a.component, a.node, b.node
    ), ways AS MATERIALIZED (
        FROM one_way UNION ALL BY NAME SELECT * EXCLUDE (one, other), other AS one, one AS other FROM one_way
    ), thirds AS MATERIALIZED (
        SELECT w.query_id, w.component, w.one, w.other, any_value(w.squared) AS squared,
               greatest(least(coalesce(min((1 - (w.squared + c.squared - o.squared) / c.squared) / 2
                                           / (0.0625 + w.squared / (w.places * c.squared))) FILTER (c.squared > 1e-15), 0), 4), -4) AS against
        FROM ways AS w
        LEFT JOIN ways AS c ON c.query_id = w.query_id AND c.component = w.component AND c.one = w.one AND c.other != w.other
        LEFT JOIN ways AS o ON o.query_id = w.query_id AND o.component = w.component AND o.one = w.other AND o.other = c.other
        GROUP BY w.query_id, w.component, w.one, w.other
    ), of_all AS MATERIALIZED (
        SELECT query_id, component, one AS model_id,
               max(against) FILTER (other = query_id) AS between,
               max(sqrt(squared)) FILTER (other = query_id) AS way, avg(sqrt(squared)) FILTER (other != query_id) AS rest,
               ln((1 + count(*) FILTER (other != query_id AND against > 0)) / (1 + count(*))) AS children,
               median(median(squared)) OVER (PARTITION BY query_id, component) < 2.0 ^ -16 AS light
        FROM thirds
        WHERE one != query_id
        GROUP BY query_id, component, one
    ), parents AS MATERIALIZED (
        SELECT query_id, component, [one, two] AS merged
        FROM (
            SELECT a.query_id, a.component, a.one, b.one AS two, (w.squared + b.squared - a.squared) / (2 * w.squared) AS of_one,
                   of_one ^ 2 * a.squared + (1 - of_one) ^ 2 * b.squared
                       + of_one * (1 - of_one) * (a.squared + b.squared - w.squared) AS beside,
                   beside / least(a.squared, b.squared) AS share
            FROM ways AS a
            JOIN ways AS b ON b.query_id = a.query_id AND b.component = a.component AND b.other = b.query_id AND b.one > a.one
            JOIN ways AS w ON w.query_id = a.query_id AND w.component = a.component AND w.one = a.one AND w.other = b.one
            WHERE a.other = a.query_id AND least(a.squared, b.squared, w.squared) > 1e-15
        )
        WHERE of_one BETWEEN 0.15 AND 0.85 AND share <= 0.02
        QUALIFY row_number() OVER (PARTITION BY query_id, component ORDER BY share) = 1
    ), likely AS (
        SELECT query_id, component, model_id,
               exp(0.1385 * between + 1.3972 * children - 0.6739 * near) * CASE WHEN tier = 1.5 THEN 0.08 ELSE 1 END AS share
        FROM (SELECT *, greatest(least(coalesce(ln(greatest(way, 0.0000001) / nullif(rest, 0)), 0), 4), -4) AS near,
                     bool_or(way = 0) OVER (PARTITION BY query_id, component) AS equal_to_one
              FROM of_all) AS g
        JOIN tiers USING (query_id, component, model_id)
        LEFT JOIN parents USING (query_id, component)
        WHERE tier IN (1, 1.5) AND NOT coalesce(younger, false)
          AND CASE WHEN merged IS NULL THEN light AND (way = 0 OR NOT equal_to_one) ELSE list_contains(merged, model_id) END
    ), nearest AS (
        SELECT query_id, component, model_id, share
        FROM likely
        WINDOW likelier AS (PARTITION BY query_id, component ORDER BY share DESC, model_id
                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        QUALIFY coalesce(sum(share) OVER likelier, 0) < 0.95 * sum(share) OVER (PARTITION BY query_id, component)
    )
    SELECT row_number() OVER (PARTITION BY s.query_id, s.component
                              ORDER BY m.content = q.content DESC, coalesce(m.released_at > q.released_at, false), z > 4 DESC,
                                       coalesce(CASE WHEN n.model_id IS NOT NULL THEN 0.75 ELSE p.tier END, 4), n.share DESC,
                                       s.distance, sketch_z DESC, s.model_id) AS rank,
           m.name, m.uri AS source, s.component, s.z, s.identity, least(1, s.covered / t.parameters) AS coverage, s.distance,
           s.position_z, s.gram_z, s.column_z,
           CASE WHEN m.content = q.content THEN 'copy' ELSE 'unknown' END AS direction,
           m.released_at <= q.released_at AS older,
           EXISTS (FROM declared_parents AS d WHERE d.model_id = s.query_id AND d.parent_id = s.model_id) AS declared
    FROM one_each AS s
    JOIN model AS m USING (model_id)
    JOIN model AS q ON q.model_id = s.query_id
    JOIN sizes AS t ON t.query_id = s.query_id AND t.component = s.component
    LEFT JOIN tiers AS p ON p.query_id = s.query_id AND p.component = s.component AND p.model_id = s.model_id
    LEFT JOIN nearest AS n ON n.query_id = s.query_id AND n.component = s.component AND n.model_id = s.model_id
    QUALIFY rank <= k
    ORDER BY s.query_id, s.component, rank;

COMMENT ON MACRO TABLE ancestors IS 'the likeliest ancestors: FROM ancestors(name, k := 10). Tensors are compared with those of their role in all layers, by positions, and embeddings by token; among relatives the parents of a linear merge come first, and at light drift what may be the nearest ancestor by the distances among all; roundings of another relative, and what was made later by its structure, come after the others. E-values, gram, column sets, activations, marks of values, trees and verdicts are the command''s; audit_latest holds its answers';
