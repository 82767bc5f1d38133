-- Takes $count ids of models from the sequence, ascending.
SELECT nextval('model_id') AS model_id
FROM range($count);
