-- Which models are here by their sketches alone, from the place $place (NULL: from any)?
SELECT model_id, place, sha256, bytes
FROM remote_fingerprint
WHERE place = $place OR $place IS NULL
ORDER BY model_id;
