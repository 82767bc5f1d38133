-- Which models pass a filter of names and facts? Globs without case: $name, $source, $license, $architecture and
-- $model_type; NULL lets everything pass. Oldest first.
SELECT model_row.*
FROM model_row
JOIN model USING (model_id)
WHERE ($name::VARCHAR IS NULL OR lower(model.name) GLOB lower($name::VARCHAR))
  AND ($source::VARCHAR IS NULL OR lower(model.uri) GLOB lower($source::VARCHAR))
  AND ($license::VARCHAR IS NULL OR lower(coalesce(model.license, '')) GLOB lower($license::VARCHAR))
  AND ($architecture::VARCHAR IS NULL OR lower(coalesce(model.architecture, '')) GLOB lower($architecture::VARCHAR))
  AND ($model_type::VARCHAR IS NULL OR lower(coalesce(model.model_type, '')) GLOB lower($model_type::VARCHAR))
ORDER BY model_id;
