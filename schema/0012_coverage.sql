-- Coverage counts all parameters of a component: those that were skipped, not read or not comparable too.

-- Why the rest of a pair is not covered, as shares of all parameters that add up to 1 with `coverage`: compared without a
-- match; read, but with nothing to compare it with; not read. NULL in rows of earlier versions, whose coverage is that of
-- what could match.
ALTER TABLE audit_pair ADD COLUMN coverage_without_match DOUBLE;
ALTER TABLE audit_pair ADD COLUMN coverage_not_comparable DOUBLE;
ALTER TABLE audit_pair ADD COLUMN coverage_not_read DOUBLE;

-- The views of findings again, with the parts of coverage.
CREATE OR REPLACE VIEW audit_findings AS
    SELECT f.run_id, f.kind, f.status, q.name AS query, q.source AS query_source, f.component,
           coalesce(r.name, f.declared) AS relative, r.source AS relative_source, f.relative_component, f.declared,
           p.rank, p.origin, p.direction, p.direction_probability, p.direction_by, p.evidence, p.log10_evalue, p.identity, p.coverage,
           p.coverage_without_match, p.coverage_not_comparable, p.coverage_not_read, p.distance,
           p.relation, p.merged_with, f.reason, q.license AS query_license, r.license AS relative_license,
           g.name AS family
    FROM audit_finding AS f
    JOIN audit_model AS q ON q.run_id = f.run_id AND q.id = f.query_id
    LEFT JOIN audit_model AS r ON r.run_id = f.run_id AND r.id = f.relative_id
    LEFT JOIN audit_family AS g ON g.run_id = q.run_id AND g.family_id = q.family_id
    LEFT JOIN audit_pair AS p
      ON p.run_id = f.run_id AND p.query_id = f.query_id AND p.component = f.component AND p.relative_id = f.relative_id
     AND p.relative_component = f.relative_component;
CREATE OR REPLACE VIEW audit_latest AS
    SELECT * FROM audit_findings WHERE run_id = (SELECT max(run_id) FROM audit_run WHERE finished_at IS NOT NULL);

-- The likeliest ancestors by positions, as before: identity is the centred correlation of matrices at equal places,
-- weighted by size; coverage the share of all parameters of the query's component, skipped ones included, in matrices where
-- it is beyond chance (z > 4), embeddings and heads not compared; distance the relative RMS difference, matrices without a counterpart at sqrt(2).
CREATE OR REPLACE MACRO ancestors(query_name, k := 10) AS TABLE
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
    ), sizes AS (
        SELECT model_id, component, sum(parameters) AS parameters
        FROM (
            SELECT model_id, component, represents AS parameters FROM tensor
            UNION ALL
            SELECT model_id, component, parameters FROM skipped_tensor
        )
        WHERE model_id IN (SELECT query_id FROM near)
        GROUP BY ALL
    ), scored AS (
        SELECT query_id, model_id, component, any_value(position_z) AS position_z, any_value(gram_z) AS gram_z,
               coalesce(sum(represents * r) / sum(represents) FILTER (r IS NOT NULL), 0) AS identity,
               coalesce(sum(represents) FILTER (r IS NOT NULL AND atanh(greatest(least(r, 0.999999), -0.999999)) * sqrt(sampled - 3) > 4) / any_value(parameters), 0) AS coverage,
               sqrt(sum(represents * least(coalesce(difference, 2), 2)) / sum(represents)) AS distance
        FROM compared JOIN (SELECT model_id AS query_id, component, parameters FROM sizes) USING (query_id, component)
        GROUP BY query_id, model_id, component
    )
    SELECT row_number() OVER (PARTITION BY s.query_id, s.component ORDER BY distance, greatest(position_z, gram_z) DESC, s.model_id) AS rank,
           m.name, m.uri AS source, s.component, s.identity, s.coverage, s.distance, s.position_z, s.gram_z,
           EXISTS (FROM declared_parents AS d WHERE d.model_id = s.query_id AND d.parent_id = s.model_id) AS declared
    FROM scored AS s
    JOIN model AS m ON m.model_id = s.model_id
    QUALIFY rank <= k
    ORDER BY s.query_id, s.component, rank;
