-- Which models are there? All of them, oldest first.
SELECT model_id, name, uri, revision, state, format, architecture, license,
       tensors, parameters, bytes_read, bytes_total, ingested_at
FROM model
ORDER BY model_id;
