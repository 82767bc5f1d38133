-- Questions in one line: FROM ancestors('org/model', k := 5). A model is named by its name or its URI.
-- They rank on sketches and on positions at equal places, without aligning blocks: enough to find a family and, where
-- layers kept their numbers, its nearest member. Alignment, E-values and verdicts are the CLI's and the Python API's.

-- Pairs of components by their sketches alone. position_z and gram_z are standard normal for strangers (relations have
-- 14 and more in one of them); roles that both lack agree in all their zeros and are not counted.
CREATE MACRO sketch_pairs(query_name) AS TABLE
    SELECT mine.model_id AS query_id, other.model_id, mine.component, other.component AS other_component,
           (position_bits - 2 * bit_count(xor(mine.positions, other.positions))) / sqrt(greatest(position_bits, 1)) AS position_z,
           (gram_bits - 2 * bit_count(xor(mine.gram, other.gram))) / sqrt(greatest(gram_bits, 1)) AS gram_z,
           list_sum([(pair[1] = pair[2])::INTEGER FOR pair IN list_zip(mine.minhash::UINTEGER[], other.minhash::UINTEGER[])]) / 64
               AS column_jaccard
    FROM (
        SELECT s.*
        FROM sketch AS s JOIN model AS m USING (model_id)
        WHERE query_name IS NULL OR m.name = query_name OR m.uri = query_name
    ) AS mine
    JOIN sketch AS other
      ON other.model_id != mine.model_id
     AND replace(replace(other.component, 'encoder', 'language'), 'decoder', 'language')
       = replace(replace(mine.component, 'encoder', 'language'), 'decoder', 'language')
    CROSS JOIN LATERAL (
        SELECT 7 * 256 - 256 * bit_count((127 - (mine.position_roles | other.position_roles))::UTINYINT)::INTEGER AS position_bits,
               5 * 120 - 120 * bit_count((31 - (mine.gram_roles | other.gram_roles))::UTINYINT)::INTEGER AS gram_bits
    ) AS bits;

-- The nearest models by sketch: FROM neighbors('org/model', k := 10).
CREATE MACRO neighbors(query_name, k := 10) AS TABLE
    SELECT row_number() OVER (PARTITION BY p.query_id ORDER BY greatest(position_z, gram_z) DESC, p.model_id) AS rank,
           m.name, m.uri AS source, p.component, p.position_z, p.gram_z, p.column_jaccard
    FROM sketch_pairs(query_name) AS p
    JOIN model AS m ON m.model_id = p.model_id
    QUALIFY rank <= k
    ORDER BY rank;

-- The likeliest ancestors by positions: identity is the centred correlation of matrices at equal places, weighted by
-- size; coverage the share of the query's matrices where it is beyond chance (z > 4); distance the relative RMS
-- difference, matrices without a counterpart counted as strangers: 0 for a copy, 1.41 for a stranger.
CREATE MACRO ancestors(query_name, k := 10) AS TABLE
    WITH near AS (
        SELECT *
        FROM sketch_pairs(query_name)
        QUALIFY row_number() OVER (PARTITION BY query_id, component ORDER BY greatest(position_z, gram_z) DESC, model_id) <= 4 * k
    ), matrices AS (
        SELECT t.model_id, t.component, t.layer, t.expert, t.role, t.slot, list_product(t.shape[2:]) AS inputs, t.represents, t.sampled,
               p.value, list_avg(p.value::FLOAT[]) AS mean, list_stddev_pop(p.value::FLOAT[]) AS deviation
        FROM tensor AS t JOIN positions AS p USING (model_id, tensor_id)
        WHERE t.layer IS NOT NULL
          AND t.model_id IN (SELECT query_id FROM near UNION SELECT model_id FROM near)
    ), mine AS (
        SELECT n.query_id, n.model_id, n.component, n.other_component, n.position_z, n.gram_z, q.*
            EXCLUDE (model_id, component)
        FROM near AS n JOIN matrices AS q ON q.model_id = n.query_id AND q.component = n.component
    ), compared AS (
        SELECT a.query_id, a.model_id, a.component, a.position_z, a.gram_z, a.represents, a.sampled,
               (array_inner_product(a.value, b.value) / 256 - a.mean * b.mean) / nullif(a.deviation * b.deviation, 0) AS r,
               array_distance(a.value, b.value) ^ 2
                   / nullif((array_inner_product(a.value, a.value) + array_inner_product(b.value, b.value)) / 2, 0) AS difference
        FROM mine AS a
        LEFT JOIN matrices AS b
          ON b.model_id = a.model_id AND b.component = a.other_component AND b.layer = a.layer
         AND b.expert IS NOT DISTINCT FROM a.expert AND b.role = a.role AND b.slot = a.slot AND b.inputs = a.inputs
         AND b.sampled = a.sampled
    ), scored AS (
        SELECT query_id, model_id, component, any_value(position_z) AS position_z, any_value(gram_z) AS gram_z,
               coalesce(sum(represents * r) / sum(represents) FILTER (r IS NOT NULL), 0) AS identity,
               coalesce(sum(represents) FILTER (r IS NOT NULL AND atanh(greatest(least(r, 0.999999), -0.999999)) * sqrt(sampled - 3) > 4) / sum(represents), 0) AS coverage,
               sqrt(sum(represents * least(coalesce(difference, 2), 2)) / sum(represents)) AS distance
        FROM compared
        GROUP BY query_id, model_id, component
    )
    SELECT row_number() OVER (PARTITION BY s.query_id, s.component ORDER BY distance, greatest(position_z, gram_z) DESC, s.model_id) AS rank,
           m.name, m.uri AS source, s.component, s.identity, s.coverage, s.distance, s.position_z, s.gram_z,
           EXISTS (FROM declared_parents AS d WHERE d.model_id = s.query_id AND d.parent_id = s.model_id) AS declared
    FROM scored AS s
    JOIN model AS m ON m.model_id = s.model_id
    QUALIFY rank <= k
    ORDER BY s.query_id, s.component, rank;

-- What models declare as their parents, and which registered model that is, if any (a name may fit several).
CREATE VIEW declared_parents AS
    SELECT m.model_id, m.name, m.uri AS source, d.parent, d.origin, d.relation, p.model_id AS parent_id, p.uri AS parent_source
    FROM declared_parent AS d
    JOIN model AS m USING (model_id)
    LEFT JOIN model AS p
      ON p.model_id != m.model_id
     AND d.parent IN (p.name, p.uri, 'hf://' || p.name, string_split(p.name, '/')[-1]);

-- Related pairs of which neither declares the other: every model against all others by sketch, so for registries of
-- thousands, not millions. Beyond 8 no pair of strangers is to be expected in any registry.
CREATE VIEW undeclared_ancestors AS
    SELECT a.name, a.uri AS source, p.component, b.name AS relative, b.uri AS relative_source, p.position_z, p.gram_z
    FROM sketch_pairs(NULL) AS p
    JOIN model AS a ON a.model_id = p.query_id
    JOIN model AS b ON b.model_id = p.model_id
    WHERE greatest(p.position_z, p.gram_z) > 8
      AND NOT EXISTS (
          FROM declared_parents AS d
          WHERE (d.model_id = p.query_id AND d.parent_id = p.model_id) OR (d.model_id = p.model_id AND d.parent_id = p.query_id)
      )
    ORDER BY greatest(p.position_z, p.gram_z) DESC;
