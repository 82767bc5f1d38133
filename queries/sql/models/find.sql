-- Which models does $name mean as a URI or as a name? Oldest first. `find_revision.sql` is asked where there is an @ in it.
-- Each way is looked for by itself: both conditions in one take much longer among a million models.
FROM model_row
WHERE model_id IN (
    SELECT model_id FROM model WHERE name = $name
    UNION ALL
    SELECT model_id FROM model WHERE uri = $name
)
ORDER BY model_id;
