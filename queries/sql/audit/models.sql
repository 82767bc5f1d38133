-- Which models pass a filter? $name, $source, $license, $architecture and $model_type are globs without case, $since the
-- earliest time of ingestion; NULL lets everything pass.
SELECT model_id
FROM model
WHERE ($name::VARCHAR IS NULL OR lower(name) GLOB lower($name::VARCHAR))
  AND ($source::VARCHAR IS NULL OR lower(uri) GLOB lower($source::VARCHAR))
  AND ($license::VARCHAR IS NULL OR lower(coalesce(license, '')) GLOB lower($license::VARCHAR))
  AND ($architecture::VARCHAR IS NULL OR lower(coalesce(architecture, '')) GLOB lower($architecture::VARCHAR))
  AND ($model_type::VARCHAR IS NULL OR lower(coalesce(model_type, '')) GLOB lower($model_type::VARCHAR))
  AND ($since::TIMESTAMP IS NULL OR ingested_at >= $since::TIMESTAMP)
ORDER BY model_id;
