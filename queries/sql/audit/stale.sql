-- Which earlier answers do not hold any more? Those with a new candidate, those that lost a relative (it is not among
-- $against now), and those where the registry's size changed whether a kind of evidence is beyond chance: it is, when its
-- log10 p, corrected for $kinds kinds and the models there are, is $significant or less. $models: how many are compared, the
-- query counted where it is among them.
UPDATE audit_task AS t
SET evaluate = true
WHERE EXISTS (FROM audit_candidate AS c WHERE c.query_id = t.query_id AND c.component = t.component)
   OR EXISTS (
       FROM audit_pair AS p
       JOIN audit_query AS q USING (run_id, query_id, component)
       LEFT JOIN (SELECT unnest($against::UINTEGER[]) AS id) AS among ON among.id = q.query_id
       CROSS JOIN LATERAL (
           SELECT evalue_correction($kinds, q.compared) AS earlier,
                  evalue_correction($kinds, $models - (among.id IS NOT NULL)::INTEGER) AS now
       ) AS correction
       WHERE p.run_id = t.base_run AND p.query_id = t.query_id AND p.component = t.component
         AND ((p.origin IS NOT NULL AND p.relative_id NOT IN (SELECT unnest($against::UINTEGER[])))
           OR (p.log10_p_positions + earlier <= $significant) != (p.log10_p_positions + now <= $significant)
           OR (p.log10_p_gram + earlier <= $significant) != (p.log10_p_gram + now <= $significant)
           OR (p.log10_p_minhash + earlier <= $significant) != (p.log10_p_minhash + now <= $significant)
           OR (p.log10_p_activations + earlier <= $significant) != (p.log10_p_activations + now <= $significant))
   );
