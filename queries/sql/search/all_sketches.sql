-- The sketches of all models in $models, a component a row, in the order of their models.
SELECT model_id, component, component_kind(component) AS kind, position_roles, gram_roles, positions::BLOB AS positions, gram::BLOB AS gram,
       column_bits::BLOB AS columns, o_filled, down_filled
FROM sketch
WHERE model_id IN (SELECT unnest($models::UINTEGER[]))
ORDER BY model_id, component;
