-- What a published registry says of each model beside its rows: name, source, licence and dates.
SELECT model_id, name, uri AS source, revision, license, released_at, ingested_at, state
FROM model
ORDER BY model_id;
