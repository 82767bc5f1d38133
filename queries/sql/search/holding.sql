-- Which models have the digest $content of everything that was read?
SELECT model_id FROM model WHERE content = $content ORDER BY model_id;
