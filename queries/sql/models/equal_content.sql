-- Which of the models $holding hold the same $content: every value that was read, under the same names of tensors?
SELECT model_id, name, uri
FROM model
WHERE model_id IN (SELECT unnest($holding::UINTEGER[])) AND content = $content
ORDER BY released_at NULLS LAST, uri, revision;
