-- How many findings does run $run_id have of each kind and status?
SELECT kind, status, count(*) AS findings
FROM audit_finding
WHERE run_id = $run_id
GROUP BY ALL
ORDER BY ALL;
