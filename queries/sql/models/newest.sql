-- Which model of the source $uri was ingested last, of whatever revision?
FROM model_row
WHERE uri = $uri
ORDER BY model_id DESC
LIMIT 1;
