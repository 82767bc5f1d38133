-- Which tensors of the model $model_id have no fingerprint, and why?
SELECT name, parameters, reason, component
FROM skipped_tensor
WHERE model_id = $model_id
ORDER BY name;
