-- Which registered models do the names $names mean, as a card or a configuration spells them? $model_id is left out.
SELECT n.spelled, m.model_id, m.name, m.uri
FROM named_models($names::VARCHAR[]) AS n
JOIN model AS m USING (model_id)
WHERE m.model_id != $model_id
ORDER BY n.spelled, m.model_id;
