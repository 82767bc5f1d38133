-- The sketches of the models in $models, of all where that is NULL, a component a row, in the order of the table. `digest`
-- tells rows of one version of DuckDB apart: it is another one where anything of a row is another.
SELECT model_id, component, position_roles, gram_roles, positions::BLOB AS positions, gram::BLOB AS gram,
       column_bits::BLOB AS columns, o_filled, down_filled,
       hash(model_id, component, position_roles, gram_roles, sketch.positions::BLOB, sketch.gram::BLOB, column_bits::BLOB, o_filled, down_filled) AS digest
FROM sketch
WHERE $models IS NULL OR model_id IN (SELECT unnest($models::UINTEGER[]));
