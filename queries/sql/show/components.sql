-- What is the model $model_id made of? A component a row: layers, routed experts read a layer, tensors, parameters, roles.
-- Lists, as an aggregate of DISTINCT values takes three times as long to plan, and a page asks this.
SELECT component,
       list_unique(list(layer)) AS layers,
       list_unique(list(expert)) AS experts,
       count(*) AS tensors,
       least(sum(represents), 18446744073709551615)::UBIGINT AS parameters,
       list_sort(list_distinct(list(role))) AS roles
FROM tensor
WHERE model_id = $model_id
GROUP BY component
ORDER BY parameters DESC, component;
