-- Of how many neurons and experts of the model $model_id are activations kept? 0 for none.
SELECT coalesce(sum(neurons), 0)::BIGINT AS neurons
FROM activation
WHERE model_id = $model_id;
