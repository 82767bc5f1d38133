-- Takes over the pairs of answers that still hold, into run $run_id. An E-value is a probability times the models there
-- are: $models are compared now, the query counted where it is among $against.
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
           least(p.log10_evalue + (log10(greatest(1, h.now)) - log10(greatest(1, q.compared))),
                 log10(greatest(1, h.now))) AS log10_evalue)
FROM holding AS h
JOIN audit_pair AS p ON p.run_id = h.base_run AND p.query_id = h.query_id AND p.component = h.component
JOIN audit_query AS q ON q.run_id = h.base_run AND q.query_id = h.query_id AND q.component = h.component
WHERE p.relative_id IN (FROM among);
