-- Which models pass a filter, $most of them behind the first $skipped, by name? $name, $source, $license, $architecture and
-- $model_type: patterns as of filtered.sql, NULL for any. Columns: those of model_row, then how many pass in all. Straight
-- from the table: a join of the view with it takes half as long again to plan.
SELECT model_id, name, uri, revision, state, format, architecture, license, tensors, parameters, bytes_read, bytes_total,
       ingested_at, fingerprint_version, count(*) OVER () AS passing
FROM model
WHERE ($name::VARCHAR IS NULL OR lower(name) GLOB lower($name::VARCHAR))
  AND ($source::VARCHAR IS NULL OR lower(uri) GLOB lower($source::VARCHAR))
  AND ($license::VARCHAR IS NULL OR lower(coalesce(license, '')) GLOB lower($license::VARCHAR))
  AND ($architecture::VARCHAR IS NULL OR lower(coalesce(architecture, '')) GLOB lower($architecture::VARCHAR))
  AND ($model_type::VARCHAR IS NULL OR lower(coalesce(model_type, '')) GLOB lower($model_type::VARCHAR))
ORDER BY name, model_id
LIMIT $most OFFSET $skipped;
