-- The rows of `activation` of the models in $models.
SELECT t.* FROM activation AS t SEMI JOIN (SELECT unnest($models::UINTEGER[]) AS model_id) USING (model_id);
