-- Takes over the answers that still hold, into run $run_id: nothing up to $newest changes them. $models are compared, the
-- query counted where it is among $against.
INSERT INTO audit_query
WITH holding AS (
    SELECT t.base_run, t.query_id, t.component, ($models - (among.id IS NOT NULL)::INTEGER)::UINTEGER AS now
    FROM audit_task AS t
    LEFT JOIN (SELECT unnest($against::UINTEGER[]) AS id) AS among ON among.id = t.query_id
    WHERE NOT t.evaluate AND t.base_run != $run_id
)
SELECT q.* REPLACE (
           $run_id::UINTEGER AS run_id,
           h.now AS compared,
           CASE WHEN q.verdict = 'unrelated' THEN q.component || ': no ancestor among ' || h.now || ' models' ELSE q.sentence END
               AS sentence,
           $newest::UINTEGER AS seen_until)
FROM holding AS h
JOIN audit_query AS q ON q.run_id = h.base_run AND q.query_id = h.query_id AND q.component = h.component;
