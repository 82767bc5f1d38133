-- What is kept of the model $model_id that a bill of materials says?
SELECT architecture, model_type, license, parameters, released_at, revision
FROM model
WHERE model_id = $model_id;
