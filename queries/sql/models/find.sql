-- Which models does $name mean? A URI or a name, either with @revision behind it.
FROM model_row
WHERE name = $name OR uri = $name
   OR (contains($name, '@') AND (starts_with($name, name) OR starts_with($name, uri))
       AND $name IN (name || '@' || revision, uri || '@' || revision))
ORDER BY model_id;
