-- The models $models as they are now: what a run keeps of them, and their release dates.
SELECT model_id, name, uri, coalesce(revision, '') AS revision, license, released_at
FROM model
WHERE model_id IN (SELECT unnest($models::UINTEGER[]))
ORDER BY model_id;
