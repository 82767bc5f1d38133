-- The rows of `positions` of the models in $models.
SELECT t.* FROM positions AS t SEMI JOIN (SELECT unnest($models::UINTEGER[]) AS model_id) USING (model_id);
