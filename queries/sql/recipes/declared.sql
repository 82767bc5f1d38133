-- Which recipes does the model $model_id declare, a row a parent?
SELECT r.origin, r.method, r.base, r.config, p.parent, p.weight, p.graded
FROM declared_recipe AS r
LEFT JOIN declared_recipe_parent AS p USING (model_id, origin)
WHERE r.model_id = $model_id
ORDER BY r.rowid, p.rowid;
