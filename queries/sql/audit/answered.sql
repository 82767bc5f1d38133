-- Which components of models does run $run_id have answers for, among those of the models $models?
SELECT query_id, component
FROM audit_query
WHERE run_id = $run_id AND query_id IN (SELECT unnest($models::UINTEGER[]));
