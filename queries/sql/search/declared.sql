-- Which registered models are among the names $parents, and which declare one of the names $own as their parent? Parents are
-- named as `named_models` says. $model_id is left out.
WITH found AS (
    SELECT model_id, true AS is_parent FROM named_models($parents::VARCHAR[])
    UNION ALL
    SELECT model_id, false FROM declared_parent SEMI JOIN (SELECT unnest($own::VARCHAR[]) AS own) ON own = parent
)
SELECT model_id, bool_or(is_parent) AS is_parent, bool_or(NOT is_parent) AS is_child
FROM found
WHERE model_id != $model_id
GROUP BY model_id;
