-- Removes the parts that are kept of the model $model_id.
DELETE FROM part WHERE model_id = $model_id;
