-- Which models among $models name which other models as their parents, and which are named by them? Names of
-- parents are spelled as `named_models` says; a child names the query's name or URI exactly.
WITH named AS (
    SELECT d.model_id AS query_id, k.model_id AS other_id, true AS is_parent, false AS is_child
    FROM declared_parent AS d
    JOIN named_models((SELECT list(DISTINCT parent) FROM declared_parent)) AS k
      ON k.spelled = d.parent AND k.model_id != d.model_id
    UNION ALL
    SELECT m.model_id, d.model_id, false, true
    FROM declared_parent AS d
    JOIN (SELECT model_id, unnest([name, uri]) AS spelled FROM model) AS m
      ON m.spelled = d.parent AND m.model_id != d.model_id
)
SELECT query_id, other_id, bool_or(is_parent) AS is_parent, bool_or(is_child) AS is_child
FROM named
WHERE query_id IN (SELECT unnest($models::UINTEGER[]))
GROUP BY query_id, other_id
ORDER BY query_id, other_id;
