-- Notes the components of the models $models as tasks of run $run_id, each with the newest answer that has the same filter
-- $against; with $whole, only answers of this very run. Runs that were judged by rules of before directions had probabilities
-- are no base.
INSERT INTO audit_task
WITH base AS (
    SELECT q.query_id, q.component, q.run_id, q.seen_until
    FROM audit_query AS q
    JOIN audit_run AS r USING (run_id)
    WHERE r.against = $against AND (r.run_id = $run_id OR NOT $whole)
      AND NOT EXISTS (
          FROM audit_pair AS p
          WHERE p.run_id = q.run_id AND p.origin IS NOT NULL AND p.direction_probability IS NULL
      )
    QUALIFY row_number() OVER (PARTITION BY q.query_id, q.component ORDER BY q.run_id DESC) = 1
)
SELECT s.model_id, s.component, base.run_id, base.seen_until, base.run_id IS NULL
FROM sketch AS s
LEFT JOIN base ON base.query_id = s.model_id AND base.component = s.component
WHERE s.model_id IN (SELECT unnest($models::UINTEGER[]))
ORDER BY s.model_id, s.component;
