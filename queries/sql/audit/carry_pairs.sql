-- Takes over the pairs of answers that still hold, into run $run_id. E-values are times the models that are compared, and at
-- most that many: $models, the query counted where it is among $against.
INSERT INTO audit_pair
SELECT p.* REPLACE (
           $run_id::UINTEGER AS run_id,
           p.log10_evalue - log10(greatest(1, q.compared)) + log10(greatest(1, size.now)) AS log10_evalue)
FROM audit_task AS t
JOIN audit_pair AS p ON p.run_id = t.base_run AND p.query_id = t.query_id AND p.component = t.component
JOIN audit_query AS q ON q.run_id = p.run_id AND q.query_id = p.query_id AND q.component = p.component
CROSS JOIN LATERAL (SELECT $models - list_contains($against::UINTEGER[], p.query_id)::INTEGER AS now) AS size
WHERE NOT t.evaluate AND t.base_run != $run_id AND p.relative_id IN (SELECT unnest($against::UINTEGER[]));
