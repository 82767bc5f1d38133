-- How many pairs have the kept answers that an audit of the models $models builds on, a component a row? $against and $rules as
-- in audit/tasks.
SELECT avg(pairs) AS pairs
FROM (
    SELECT q.run_id, q.query_id, q.component, count(p.relative_id) AS pairs
    FROM audit_query AS q
    JOIN audit_run AS r USING (run_id)
    LEFT JOIN audit_pair AS p USING (run_id, query_id, component)
    WHERE r.against = $against AND r.rules = $rules AND q.query_id IN (SELECT unnest($models::UINTEGER[]))
    GROUP BY ALL
);
