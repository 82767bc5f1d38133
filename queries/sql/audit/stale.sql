-- Which earlier answers do not hold any more? Those with a new candidate, those that lost a relative (it is not among
-- $against now), and those where the registry's size changed whether a kind of evidence is beyond chance: it is, when its
-- E-value, p over the kind's share of the error times the models there are, has a log10 of $significant or less. $levels are
-- log10 of the shares by kind, of all kinds; a pair has them over the sum of those that it can be compared by, which follows
-- from the E-value of its best kind. An E-value at its most, the models there are, is beyond chance in no kind.
-- $models: how many are compared, the query counted where it is among them.
UPDATE audit_task AS t
SET evaluate = true
WHERE EXISTS (FROM audit_candidate AS c WHERE c.query_id = t.query_id AND c.component = t.component)
   OR EXISTS (
       FROM audit_pair AS p
       JOIN audit_query AS q USING (run_id, query_id, component)
       CROSS JOIN LATERAL (
           SELECT {'positions': p.log10_p_positions - $levels.positions, 'gram': p.log10_p_gram - $levels.gram,
                   'minhash': p.log10_p_minhash - $levels.minhash, 'activations': p.log10_p_activations - $levels.activations} AS e
       ) AS kinds
       CROSS JOIN LATERAL (
           SELECT p.log10_evalue - least(e.positions, e.gram, e.minhash, e.activations) AS earlier
       ) AS before
       CROSS JOIN LATERAL (
           SELECT before.earlier - log10(greatest(1, q.compared))
                  + log10(greatest(1, $models - list_contains($against::UINTEGER[], q.query_id)::INTEGER)) AS now
       ) AS after
       WHERE p.run_id = t.base_run AND p.query_id = t.query_id AND p.component = t.component
         AND ((p.origin IS NOT NULL AND p.relative_id NOT IN (SELECT unnest($against::UINTEGER[])))
           OR (e.positions + earlier <= $significant) != (e.positions + now <= $significant)
           OR (e.gram + earlier <= $significant) != (e.gram + now <= $significant)
           OR (e.minhash + earlier <= $significant) != (e.minhash + now <= $significant)
           OR (e.activations + earlier <= $significant) != (e.activations + now <= $significant))
   );
