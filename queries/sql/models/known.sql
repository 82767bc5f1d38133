-- Which models came from the sources $uris, of whatever revision?
SELECT model_id, name, uri, revision, state, format, architecture, license,
       tensors, parameters, bytes_read, bytes_total, ingested_at
FROM model
SEMI JOIN (SELECT unnest($uris::VARCHAR[]) AS uri) USING (uri)
ORDER BY model_id;
