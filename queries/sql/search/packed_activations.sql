-- The sketches of activations of the models in $models, of all where that is NULL, as `packed_sketches` has the others.
SELECT model_id, component, signs::BLOB AS signs, hash(model_id, component, activation_sketch.signs::BLOB) AS digest
FROM activation_sketch
WHERE $models IS NULL OR model_id IN (SELECT unnest($models::UINTEGER[]));
