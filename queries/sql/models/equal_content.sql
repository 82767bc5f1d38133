-- Which models other than $model_id hold the same $content: every value that was read, under the same names of tensors?
SELECT model_id, name, uri
FROM model
WHERE content = $content AND model_id != $model_id
ORDER BY released_at NULLS LAST, uri, revision;
