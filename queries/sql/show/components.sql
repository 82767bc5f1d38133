-- What is the model $model_id made of? A component a row: layers, routed experts read a layer, tensors, parameters, roles.
SELECT component,
       count(DISTINCT layer) AS layers,
       count(DISTINCT expert) AS experts,
       count(*) AS tensors,
       sum(represents)::UBIGINT AS parameters,
       list_sort(list(DISTINCT role)) AS roles
FROM tensor
WHERE model_id = $model_id
GROUP BY component
ORDER BY parameters DESC, component;
