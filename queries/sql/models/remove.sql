-- Removes every row of the model whose id is in the variable model_id.
DELETE FROM model WHERE model_id = getvariable('model_id');
DELETE FROM root_claim WHERE model_id = getvariable('model_id');
DELETE FROM declared_parent WHERE model_id = getvariable('model_id');
DELETE FROM tokenizer WHERE model_id = getvariable('model_id');
DELETE FROM sketch WHERE model_id = getvariable('model_id');
DELETE FROM activation_sketch WHERE model_id = getvariable('model_id');
DELETE FROM activation WHERE model_id = getvariable('model_id');
DELETE FROM tensor WHERE model_id = getvariable('model_id');
DELETE FROM positions WHERE model_id = getvariable('model_id');
DELETE FROM gram WHERE model_id = getvariable('model_id');
DELETE FROM minhash WHERE model_id = getvariable('model_id');
DELETE FROM vector WHERE model_id = getvariable('model_id');
DELETE FROM token_row WHERE model_id = getvariable('model_id');
DELETE FROM skipped_tensor WHERE model_id = getvariable('model_id');
DELETE FROM hub WHERE model_id = getvariable('model_id');
DELETE FROM file WHERE model_id = getvariable('model_id');
DELETE FROM adapter WHERE model_id = getvariable('model_id');
DELETE FROM adapter_target WHERE model_id = getvariable('model_id');
DELETE FROM declared_recipe WHERE model_id = getvariable('model_id');
DELETE FROM declared_recipe_parent WHERE model_id = getvariable('model_id');
DELETE FROM recipe WHERE model_id = getvariable('model_id');
DELETE FROM recipe_parent WHERE model_id = getvariable('model_id');
DELETE FROM recipe_check WHERE model_id = getvariable('model_id');
DELETE FROM part WHERE model_id = getvariable('model_id');
DELETE FROM inferred_match
WHERE model_id = getvariable('model_id')
   OR inferred_id IN (SELECT inferred_id FROM inferred_member WHERE model_id = getvariable('model_id'));
DELETE FROM inferred_tensor
WHERE inferred_id IN (SELECT inferred_id FROM inferred_member WHERE model_id = getvariable('model_id'));
DELETE FROM inferred
WHERE inferred_id IN (SELECT inferred_id FROM inferred_member WHERE model_id = getvariable('model_id'));
DELETE FROM inferred_member
WHERE inferred_id IN (SELECT inferred_id FROM inferred_member WHERE model_id = getvariable('model_id'));
DELETE FROM remote_fingerprint WHERE model_id = getvariable('model_id');
