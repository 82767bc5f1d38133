-- The rows of `gram` of the models in $models.
SELECT t.* FROM gram AS t SEMI JOIN (SELECT unnest($models::UINTEGER[]) AS model_id) USING (model_id);
