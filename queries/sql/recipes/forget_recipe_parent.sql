-- Removes the parents of recipes that are kept of the model $model_id.
DELETE FROM recipe_parent WHERE model_id = $model_id;
