-- Which models came from the sources $uris, of whatever revision?
FROM model_row
SEMI JOIN (SELECT unnest($uris::VARCHAR[]) AS uri) USING (uri)
ORDER BY model_id;
