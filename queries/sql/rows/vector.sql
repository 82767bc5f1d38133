-- The rows of `vector` of the models in $models.
SELECT t.* FROM vector AS t SEMI JOIN (SELECT unnest($models::UINTEGER[]) AS model_id) USING (model_id);
