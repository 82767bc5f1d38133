-- Which of the sources $uris were met before: registered, or tried in vain?
SELECT uri FROM model SEMI JOIN (SELECT unnest($uris::VARCHAR[]) AS uri) USING (uri)
UNION
SELECT uri FROM attempt SEMI JOIN (SELECT unnest($uris::VARCHAR[]) AS uri) USING (uri);
