-- What stands in the registry of the tensors of the models $models? model_id, and a digest of name, place and rows read of
-- every tensor in order: that of `ingest.refreshing.places_digest`.
SELECT model_id,
       md5(string_agg(concat_ws('|', name, component, coalesce(layer::VARCHAR, ''), coalesce(expert::VARCHAR, ''), role, slot, rows_read::VARCHAR),
                      chr(10) ORDER BY tensor_id)) AS places
FROM tensor
WHERE model_id IN (SELECT unnest($models::UINTEGER[]))
GROUP BY model_id;
