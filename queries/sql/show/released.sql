-- When was the model $model_id released, by its provider's word (UTC)?
SELECT released_at FROM model WHERE model_id = $model_id;
