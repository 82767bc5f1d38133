-- Which model came from $uri at $revision (NULL for folders)?
FROM model_row
WHERE uri = $uri AND revision IS NOT DISTINCT FROM $revision;
