-- Removes the recipes that are kept of the model $model_id.
DELETE FROM recipe WHERE model_id = $model_id;
