-- Removes every row of the model whose id is in the variable model_id.
DELETE FROM model WHERE model_id = getvariable('model_id');
DELETE FROM root_claim WHERE model_id = getvariable('model_id');
DELETE FROM declared_parent WHERE model_id = getvariable('model_id');
DELETE FROM tokenizer WHERE model_id = getvariable('model_id');
DELETE FROM sketch WHERE model_id = getvariable('model_id');
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
