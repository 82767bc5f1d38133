-- Which of the sources $uris were met before: registered, or tried in vain?
SELECT uri FROM model WHERE list_contains($uris, uri)
UNION
SELECT uri FROM attempt WHERE list_contains($uris, uri);
