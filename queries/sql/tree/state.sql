-- How many models did run $run_id ask about, how many were registered then, and how many were ingested since?
SELECT asked, models, (SELECT count(*) FROM model WHERE model_id > newest)
FROM audit_run
WHERE run_id = $run_id;
