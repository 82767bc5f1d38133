-- The rows of `minhash` of the models in $models.
SELECT t.* FROM minhash AS t SEMI JOIN (SELECT unnest($models::UINTEGER[]) AS model_id) USING (model_id);
