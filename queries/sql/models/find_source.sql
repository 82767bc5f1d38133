-- Which model came from $uri at $revision (NULL for folders)?
SELECT model_id, name, uri, revision, state, format, architecture, license,
       tensors, parameters, bytes_read, bytes_total, ingested_at
FROM model
WHERE uri = $uri AND revision IS NOT DISTINCT FROM $revision;
