-- The signs of positions of the models in $models, a component a row.
SELECT model_id, component, positions::BLOB AS positions
FROM sketch
SEMI JOIN (SELECT unnest($models::UINTEGER[]) AS model_id) USING (model_id)
ORDER BY model_id, component;
