-- What a result says of the models in $models: name, source, revision and release date. The ends of a calendar (the
-- years 1, 1970 and 9999) are what programs write for a date that they do not have: they are none. Nor is one more than a day
-- after the model was read: nobody reads what is not published yet.
SELECT model_id, name, uri, revision,
       CASE WHEN released_at BETWEEN TIMESTAMP '1971-01-01' AND least(ingested_at + INTERVAL 1 DAY, TIMESTAMP '9000-01-01')
            THEN released_at END AS released_at
FROM model
WHERE model_id IN (SELECT unnest($models::UINTEGER[]));
