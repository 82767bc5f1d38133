-- Which models does $name mean as a URI or as a name? Oldest first. `find_revision.sql` is asked where there is an @ in it.
FROM model_row
WHERE name = $name OR uri = $name
ORDER BY model_id;
