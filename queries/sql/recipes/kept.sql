-- The recipes that are kept of the model $model_id, with their parents in order: a row a component.
SELECT r.component, r.method, r.base, list(p.parent ORDER BY p.place) AS parents, list(p.weight ORDER BY p.place) AS weights,
       r.exact_share, r.changed_share, r.rival_share, r.rival
FROM recipe AS r
JOIN recipe_parent AS p USING (model_id, component)
WHERE r.model_id = $model_id AND r.method IS NOT NULL
GROUP BY ALL
ORDER BY r.component;
