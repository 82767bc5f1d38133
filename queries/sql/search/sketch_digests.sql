-- The model and the digest of every row of `sketch`, as `packed_sketches` has them.
SELECT model_id,
       hash(model_id, component, position_roles, gram_roles, sketch.positions::BLOB, sketch.gram::BLOB, column_bits::BLOB, o_filled, down_filled) AS digest
FROM sketch;
