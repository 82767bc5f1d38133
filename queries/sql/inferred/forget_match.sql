-- Removes what is kept of the model $model_id standing where the missing ancestor $inferred_id does.
DELETE FROM inferred_match WHERE inferred_id = $inferred_id AND model_id = $model_id;
