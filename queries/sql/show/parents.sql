-- Which parents does the model $model_id name itself, and where?
SELECT parent, origin, relation
FROM declared_parent
WHERE model_id = $model_id
ORDER BY origin, parent;
