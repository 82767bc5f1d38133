-- Takes over the answers that still hold, into run $run_id: nothing up to $newest changes them. $models are compared,
-- the query counted where it is among $against.
INSERT INTO audit_query
SELECT q.* REPLACE (
           $run_id::UINTEGER AS run_id,
           now AS compared,
           CASE WHEN q.verdict = 'unrelated' THEN q.component || ': no ancestor among ' || now || ' models' ELSE q.sentence END
               AS sentence,
           $newest::UINTEGER AS seen_until)
FROM audit_task AS t
JOIN audit_query AS q ON q.run_id = t.base_run AND q.query_id = t.query_id AND q.component = t.component
CROSS JOIN LATERAL (SELECT ($models - list_contains($against::UINTEGER[], q.query_id)::INTEGER)::UINTEGER AS now) AS size
WHERE NOT t.evaluate AND t.base_run != $run_id;
