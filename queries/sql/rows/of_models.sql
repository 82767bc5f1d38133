-- The rows of the table $table of the models in $models: of `tensor`, or of what is kept beside it.
SELECT t.*
FROM query_table($table) AS t
SEMI JOIN (SELECT unnest($models::UINTEGER[]) AS model_id) USING (model_id);
