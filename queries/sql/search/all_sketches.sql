-- The sketches of all models in $models, a component a row, in the order of their models.
-- `activations` is NULL where there are none.
SELECT model_id, component, component_kind(component) AS kind, position_roles, gram_roles, positions::BLOB AS positions, gram::BLOB AS gram,
       column_bits::BLOB AS columns, o_filled, down_filled, signs::BLOB AS activations
FROM sketch LEFT JOIN activation_sketch USING (model_id, component)
WHERE model_id IN (SELECT unnest($models::UINTEGER[]))
ORDER BY model_id, component;
