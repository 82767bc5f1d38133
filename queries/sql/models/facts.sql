-- What a result says of the models in $models: name, source, revision and release date.
SELECT model_id, name, uri, revision, released_at
FROM model
WHERE model_id IN (SELECT unnest($models::UINTEGER[]));
