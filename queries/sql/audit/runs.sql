-- What are the runs $runs, or all runs when that is NULL?
SELECT run_id, queries, against, since, max_log10_e, whole, models, asked, started_at, finished_at, evaluated, carried
FROM audit_run
WHERE $runs::UINTEGER[] IS NULL OR list_contains($runs::UINTEGER[], run_id)
ORDER BY run_id;
