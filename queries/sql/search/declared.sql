-- Which registered models are among the names $parents, and which declare one of the names $own as their parent?
-- A name is a model's name or URI; a plain name without a slash also means org/name. $model_id is left out.
WITH parents AS (
    SELECT DISTINCT unnest($parents::VARCHAR[]) AS parent
), found AS (
    SELECT model_id, true AS is_parent FROM model SEMI JOIN parents ON parent = name
    UNION ALL
    SELECT model_id, true FROM model SEMI JOIN parents ON parent = uri
    UNION ALL
    SELECT model_id, true FROM model SEMI JOIN (SELECT parent[6:] AS bare FROM parents WHERE parent LIKE 'hf://%') ON bare = name
    UNION ALL
    SELECT model_id, true FROM model
    SEMI JOIN (SELECT parent FROM parents WHERE NOT contains(parent, '/')) AS plain ON parent = split_part(name, '/', -1)
    UNION ALL
    SELECT model_id, false FROM declared_parent SEMI JOIN (SELECT unnest($own::VARCHAR[]) AS own) ON own = parent
)
SELECT model_id, bool_or(is_parent) AS is_parent, bool_or(NOT is_parent) AS is_child
FROM found
WHERE model_id != $model_id
GROUP BY model_id;
