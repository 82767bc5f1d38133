-- The sketches of model $model_id, a component a row.
SELECT component, position_roles, gram_roles, positions::BLOB AS positions, gram::BLOB AS gram,
       column_bits::BLOB AS columns, o_filled, down_filled
FROM sketch
WHERE model_id = $model_id
ORDER BY component;
