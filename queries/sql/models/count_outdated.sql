-- How many models have a fingerprint of a version before $version, and the names of those among $models?
SELECT count(*) AS models, coalesce(list(name ORDER BY model_id) FILTER (list_contains($models::BIGINT[], model_id)), []) AS names
FROM model
WHERE fingerprint_version < $version;
