-- Takes over the pairs of answers that still hold, into run $run_id. E = p x $kinds x models, at most models; $models
-- are compared, the query counted where it is among $against.
INSERT INTO audit_pair
SELECT p.* REPLACE (
           $run_id::UINTEGER AS run_id,
           least(least(coalesce(p.log10_p_positions, 0), coalesce(p.log10_p_gram, 0), coalesce(p.log10_p_minhash, 0),
                     coalesce(p.log10_p_activations, 0))
                     + evalue_correction($kinds, size.now), log10(greatest(1, size.now))) AS log10_evalue)
FROM audit_task AS t
JOIN audit_pair AS p ON p.run_id = t.base_run AND p.query_id = t.query_id AND p.component = t.component
CROSS JOIN LATERAL (SELECT $models - list_contains($against::UINTEGER[], p.query_id)::INTEGER AS now) AS size
WHERE NOT t.evaluate AND t.base_run != $run_id AND p.relative_id IN (SELECT unnest($against::UINTEGER[]));
