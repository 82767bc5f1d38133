-- Which audit runs are there?
SELECT run_id, queries, against, since, max_log10_e, whole, models, asked, started_at, finished_at, evaluated, carried
FROM audit_run
ORDER BY run_id;
