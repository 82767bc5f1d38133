-- The config of model $model_id, as its config.json was.
SELECT config FROM model WHERE model_id = $model_id;
