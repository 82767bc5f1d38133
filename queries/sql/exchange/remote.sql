-- Which of $models are here by their sketches alone, and where is the rest of them?
SELECT model_id, place, sha256, bytes
FROM remote_fingerprint
WHERE model_id IN (SELECT unnest($models::UINTEGER[]))
ORDER BY model_id;
