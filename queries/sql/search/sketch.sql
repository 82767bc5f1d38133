-- The sketches of model $model_id, a component a row; `activations` is empty where there are none.
SELECT component, position_roles, gram_roles, positions::BLOB AS positions, gram::BLOB AS gram,
       column_bits::BLOB AS columns, o_filled, down_filled, coalesce(signs::BLOB, ''::BLOB) AS activations
FROM sketch LEFT JOIN activation_sketch USING (model_id, component)
WHERE model_id = $model_id
ORDER BY component;
