-- Which models among $models name which other models as their parents, and which are named by them? Names are spelled as
-- `named_models` says.
WITH parents AS (
    SELECT DISTINCT d.model_id AS child_id, k.model_id AS parent_id
    FROM declared_parent AS d
    JOIN named_models((SELECT list(DISTINCT parent) FROM declared_parent)) AS k
      ON k.spelled = d.parent AND k.model_id != d.model_id
), named AS (
    SELECT child_id AS query_id, parent_id AS other_id, true AS is_parent FROM parents
    UNION ALL
    SELECT parent_id, child_id, false FROM parents
)
SELECT query_id, other_id, bool_or(is_parent) AS is_parent, bool_or(NOT is_parent) AS is_child
FROM named
WHERE query_id IN (SELECT unnest($models::UINTEGER[]))
GROUP BY query_id, other_id
ORDER BY query_id, other_id;
