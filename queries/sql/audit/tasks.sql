-- The components of the models $models as tasks of run $run_id, rows for `audit_task`, each with the newest answer that has
-- the same filter $against and was judged by the same rules, number $rules; with $whole, only answers of this very run.
WITH base AS (
    SELECT q.query_id, q.component, q.run_id, q.seen_until
    FROM audit_query AS q
    JOIN audit_run AS r USING (run_id)
    WHERE r.against = $against AND r.rules = $rules AND (r.run_id = $run_id OR NOT $whole)
    QUALIFY row_number() OVER (PARTITION BY q.query_id, q.component ORDER BY q.run_id DESC) = 1
)
SELECT s.model_id AS query_id, s.component, base.run_id AS base_run, base.seen_until, base.run_id IS NULL AS evaluate
FROM sketch AS s
LEFT JOIN base ON base.query_id = s.model_id AND base.component = s.component
WHERE s.model_id IN (SELECT unnest($models::UINTEGER[]))
ORDER BY s.model_id, s.component;
