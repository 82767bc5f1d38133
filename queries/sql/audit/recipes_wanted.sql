-- Which of the models $models are asked for their recipes in run $run_id? Those that declare one or look merged, unless the
-- answer that is kept still holds: there is one, and no component of theirs was computed anew.
SELECT m.model_id
FROM model AS m
WHERE m.model_id IN (SELECT unnest($models::UINTEGER[]))
  AND (m.model_id IN (SELECT model_id FROM declared_recipe)
    OR m.model_id IN (SELECT query_id FROM audit_pair WHERE run_id = $run_id AND merged_with IS NOT NULL))
  AND (m.model_id NOT IN (SELECT model_id FROM recipe)
    OR m.model_id IN (SELECT query_id FROM audit_query WHERE run_id = $run_id AND evaluated_run = $run_id))
ORDER BY m.model_id;
