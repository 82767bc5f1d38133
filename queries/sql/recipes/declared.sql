-- Which recipes does the model $model_id declare, a row a parent, in the order in which they were kept?
WITH declared AS (
    SELECT *, row_number() OVER () AS place FROM declared_recipe WHERE model_id = $model_id
), parents AS (
    SELECT *, row_number() OVER () AS place FROM declared_recipe_parent WHERE model_id = $model_id
)
SELECT r.origin, r.method, r.base, r.config, p.parent, p.weight, p.graded
FROM declared AS r
LEFT JOIN parents AS p USING (model_id, origin)
ORDER BY r.place, p.place;
