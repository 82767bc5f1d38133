-- Which models does $name mean as a name, or as a URI, with @revision behind it? Oldest first.
FROM model_row
WHERE revision IS NOT NULL AND $name IN (name || '@' || revision, uri || '@' || revision)
  AND (starts_with($name, name) OR starts_with($name, uri))
ORDER BY model_id;
