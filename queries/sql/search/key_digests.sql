-- The model and the digest of every row that keys are of, as one version of DuckDB makes them.
SELECT model_id, hash(model_id, name, uri, content) AS digest FROM model
UNION ALL
SELECT model_id, hash(model_id, parent) FROM declared_parent;
