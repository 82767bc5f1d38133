-- What is claimed of the model $model_id being trained from scratch: whose word it is, and when it was noted here; NULL for the
-- list of published base models that forebear ships.
SELECT source, claimed_at FROM root_claim WHERE model_id = $model_id
UNION ALL
SELECT p.source, NULL
FROM model AS m JOIN published_root AS p ON model_spelling(m.uri) = p.name
WHERE m.model_id = $model_id
ORDER BY claimed_at NULLS LAST, source;
