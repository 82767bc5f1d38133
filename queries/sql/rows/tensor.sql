-- The rows of `tensor` of the models in $models.
SELECT t.* FROM tensor AS t SEMI JOIN (SELECT unnest($models::UINTEGER[]) AS model_id) USING (model_id);
