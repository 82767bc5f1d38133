-- Which modules does the adapter $model_id change, as `adapter_bases.sql` wants them?
SELECT component, coalesce(layer::INTEGER, -1) AS layer, coalesce(expert::INTEGER, -1) AS expert, role, slot,
       coalesce(outputs, 0) AS outputs, coalesce(inputs, 0) AS inputs
FROM adapter_target
WHERE model_id = $model_id;
