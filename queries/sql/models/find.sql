-- Which models does $name mean? A URI or a name, either with @revision behind it.
SELECT model_id, name, uri, revision, state, format, architecture, license,
       tensors, parameters, bytes_read, bytes_total, ingested_at
FROM model
WHERE name = $name OR uri = $name
   OR (contains($name, '@') AND (starts_with($name, name) OR starts_with($name, uri))
       AND $name IN (name || '@' || revision, uri || '@' || revision))
ORDER BY model_id;
