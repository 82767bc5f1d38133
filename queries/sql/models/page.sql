-- Which models pass a filter, $most of them behind the first $skipped, by name? Parameters as of filtered.sql. Columns: those
-- of model_row, then how many pass in all.
SELECT model_row.*, count(*) OVER () AS passing
FROM model_row
JOIN model USING (model_id)
WHERE ($name::VARCHAR IS NULL OR lower(model.name) GLOB lower($name::VARCHAR))
  AND ($source::VARCHAR IS NULL OR lower(model.uri) GLOB lower($source::VARCHAR))
  AND ($license::VARCHAR IS NULL OR lower(coalesce(model.license, '')) GLOB lower($license::VARCHAR))
  AND ($architecture::VARCHAR IS NULL OR lower(coalesce(model.architecture, '')) GLOB lower($architecture::VARCHAR))
  AND ($model_type::VARCHAR IS NULL OR lower(coalesce(model.model_type, '')) GLOB lower($model_type::VARCHAR))
ORDER BY model_row.name, model_row.model_id
LIMIT $most OFFSET $skipped;
