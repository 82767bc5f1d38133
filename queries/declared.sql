-- Which registered models are among the names $parents, and which declare one of the names $own as their parent?
-- A name is a model's name or URI; a plain name without a slash also means org/name. $model_id is left out.
WITH known AS (
    SELECT model_id, [name, uri, 'hf://' || name, string_split(name, '/')[-1]] AS spelled
    FROM model
    WHERE model_id != $model_id
)
SELECT known.model_id,
       list_has_any(known.spelled, $parents::VARCHAR[]) AS is_parent,
       bool_or(list_contains($own::VARCHAR[], d.parent)) IS TRUE AS is_child
FROM known
LEFT JOIN declared_parent AS d USING (model_id)
GROUP BY ALL
HAVING is_parent OR is_child;
