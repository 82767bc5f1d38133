-- The models $models as they are now: what a run keeps of them, and `age`, their order by release, those without a date last,
-- then by source: ingestion says nothing of age.
SELECT model_id, name, uri, license, row_number() OVER (ORDER BY released_at NULLS LAST, uri, coalesce(revision, ''), model_id) AS age
FROM model
WHERE model_id IN (SELECT unnest($models::UINTEGER[]))
ORDER BY model_id;
