-- Removes the checks of declared recipes that are kept of the model $model_id.
DELETE FROM recipe_check WHERE model_id = $model_id;
