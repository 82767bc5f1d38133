-- Takes over the pairs of answers that still hold, into run $run_id. E = p x $kinds x models, at most models; $models
-- are compared, the query counted where it is among $against.
INSERT INTO audit_pair
WITH among AS (
    SELECT unnest($against::UINTEGER[]) AS id
), holding AS (
    SELECT t.base_run, t.query_id, t.component, $models - (among.id IS NOT NULL)::INTEGER AS now
    FROM audit_task AS t
    LEFT JOIN among ON among.id = t.query_id
    WHERE NOT t.evaluate AND t.base_run != $run_id
)
SELECT p.* REPLACE (
           $run_id::UINTEGER AS run_id,
           least(least(coalesce(p.log10_p_positions, 0), coalesce(p.log10_p_gram, 0), coalesce(p.log10_p_minhash, 0),
                     coalesce(p.log10_p_activations, 0))
                     + evalue_correction($kinds, h.now), log10(greatest(1, h.now))) AS log10_evalue)
FROM holding AS h
JOIN audit_pair AS p ON p.run_id = h.base_run AND p.query_id = h.query_id AND p.component = h.component
WHERE p.relative_id IN (FROM among);
