-- Which model of the source $uri was ingested last, of whatever revision?
SELECT model_id, name, uri, revision, state, format, architecture, license,
       tensors, parameters, bytes_read, bytes_total, ingested_at
FROM model
WHERE uri = $uri
ORDER BY model_id DESC
LIMIT 1;
