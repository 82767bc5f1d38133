-- The model and the digest of every row of `activation_sketch`, as `packed_activations` has them.
SELECT model_id, hash(model_id, component, activation_sketch.signs::BLOB) AS digest
FROM activation_sketch;
