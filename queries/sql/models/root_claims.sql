-- What is claimed of the model $model_id being trained from scratch: whose word it is, and when it was noted here; NULL for the
-- list of published base models that forebear ships, in which its source $uri is looked up.
SELECT source, claimed_at FROM root_claim WHERE model_id = $model_id
UNION ALL
SELECT source, NULL FROM published_root WHERE name = model_spelling($uri)
ORDER BY claimed_at NULLS LAST, source;
