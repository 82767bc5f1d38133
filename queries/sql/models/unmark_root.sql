-- Forgets the claims that the model $model_id was trained from scratch.
DELETE FROM root_claim WHERE model_id = $model_id;
