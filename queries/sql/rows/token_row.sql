-- The rows of `token_row` of the models in $models.
SELECT t.* FROM token_row AS t SEMI JOIN (SELECT unnest($models::UINTEGER[]) AS model_id) USING (model_id);
