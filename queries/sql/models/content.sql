-- The digest of everything that was read of the model $model_id.
SELECT content FROM model WHERE model_id = $model_id;
