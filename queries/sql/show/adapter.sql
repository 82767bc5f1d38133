-- What is kept of the adapter $model_id? No row for a model that is none.
SELECT kind, base, base_revision, rank, alpha, task, dora, rslora, every_layer, targets
FROM adapter
WHERE model_id = $model_id;
