-- The keys of the models in $models, of all where that is NULL: of the last part of names and sources, and of declared
-- parents, in one spelling, and of contents. They are those of one version of DuckDB.
SELECT model_id, hash(meaning, CASE WHEN meaning = 'content' THEN text ELSE split_part(model_spelling(text), '/', -1) END) AS key
FROM (
    SELECT model_id, 'name' AS meaning, unnest(list_distinct([name, uri])) AS text FROM model
    UNION ALL
    SELECT model_id, 'content', content FROM model
    UNION ALL
    SELECT model_id, 'parent', parent FROM declared_parent
)
WHERE $models IS NULL OR model_id IN (SELECT unnest($models::UINTEGER[]));
