-- Which models does $name mean? A URI or a name, either with @revision behind it.
SELECT model_id, name, uri, revision, state, format, architecture, license,
       tensors, parameters, bytes_read, bytes_total, ingested_at
FROM model
WHERE $name IN (name, uri, name || '@' || revision, uri || '@' || revision)
ORDER BY model_id;
