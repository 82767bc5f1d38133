-- Which models does $name mean? A URI or a name, either with @revision behind it. Each way is looked for by itself: three
-- conditions in one took four times as long among a million models.
FROM model_row
WHERE model_id IN (
    SELECT model_id FROM model WHERE name = $name
    UNION ALL
    SELECT model_id FROM model WHERE uri = $name
    UNION ALL
    SELECT model_id FROM model
    WHERE contains($name, '@') AND (starts_with($name, name) OR starts_with($name, uri))
      AND $name IN (name || '@' || revision, uri || '@' || revision)
)
ORDER BY model_id;
