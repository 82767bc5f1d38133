-- Which models have a fingerprint of a version before $version, and lack what came since? Oldest first.
FROM model_row
WHERE fingerprint_version < $version
ORDER BY model_id;
