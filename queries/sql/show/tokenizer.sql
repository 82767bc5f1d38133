-- Which tokenizer does the model $model_id have? No row when it has none.
SELECT kind, size
FROM tokenizer
WHERE model_id = $model_id;
