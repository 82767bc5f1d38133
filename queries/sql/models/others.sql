-- How many models does the registry hold besides $model_id?
SELECT count(*) AS models FROM model WHERE model_id != $model_id;
