-- Notes the claim of $source that the model $model_id was trained from scratch.
INSERT INTO root_claim VALUES ($model_id, $source, now() AT TIME ZONE 'UTC');
