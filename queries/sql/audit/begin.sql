-- Begins run $run_id at $started_at (UTC): $queries, $against, $since, $max_log10_e and $whole say what of the registry it
-- looks at, $models and $newest how large that is, $asked how many models it asks about, $rules by which rules it judges,
-- $owner which process carries it out.
INSERT INTO audit_run (run_id, queries, against, since, max_log10_e, whole, models, newest, asked, started_at, rules, owner)
VALUES ($run_id, $queries, $against, $since::TIMESTAMP, $max_log10_e, $whole, $models, $newest, $asked, $started_at, $rules, $owner);
