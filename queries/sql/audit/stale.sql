-- Which earlier answers do not hold any more? Those with a new candidate, those that lost a relative (it is not among
-- $against now), and those where the registry's size changed whether a kind of evidence is beyond chance: it is, when
-- log10 p + log10(3 kinds x models) <= -3. $models: how many are compared, the query counted where it is among them.
UPDATE audit_task AS t
SET evaluate = true
WHERE EXISTS (FROM audit_candidate AS c WHERE c.query_id = t.query_id AND c.component = t.component)
   OR EXISTS (
       FROM audit_pair AS p
       JOIN audit_query AS q USING (run_id, query_id, component)
       CROSS JOIN LATERAL (
           SELECT log10(3) + log10(greatest(1, q.compared)) AS earlier,
                  log10(3) + log10(greatest(1, $models - list_contains($against::UINTEGER[], q.query_id)::INTEGER)) AS now
       ) AS correction
       WHERE p.run_id = t.base_run AND p.query_id = t.query_id AND p.component = t.component
         AND ((p.origin IS NOT NULL AND NOT list_contains($against::UINTEGER[], p.relative_id))
           OR (p.log10_p_positions + earlier <= -3) != (p.log10_p_positions + now <= -3)
           OR (p.log10_p_gram + earlier <= -3) != (p.log10_p_gram + now <= -3)
           OR (p.log10_p_minhash + earlier <= -3) != (p.log10_p_minhash + now <= -3))
   );
