-- What is kept of the activations of the model $model_id? Layers, and the neurons and experts in them. Most models have none:
-- `neurons.sql` is asked first.
SELECT count(DISTINCT (t.component, t.layer)) AS layers
FROM activation AS a
JOIN tensor AS t USING (model_id, tensor_id)
WHERE a.model_id = $model_id;
