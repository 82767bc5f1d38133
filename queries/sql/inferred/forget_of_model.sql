-- Removes the missing ancestors that are inferred from the model whose id is in the variable model_id.
DELETE FROM inferred_match
WHERE inferred_id IN (SELECT inferred_id FROM inferred_member WHERE model_id = getvariable('model_id'));
DELETE FROM inferred_tensor
WHERE inferred_id IN (SELECT inferred_id FROM inferred_member WHERE model_id = getvariable('model_id'));
DELETE FROM inferred
WHERE inferred_id IN (SELECT inferred_id FROM inferred_member WHERE model_id = getvariable('model_id'));
DELETE FROM inferred_member WHERE inferred_id NOT IN (SELECT inferred_id FROM inferred);
