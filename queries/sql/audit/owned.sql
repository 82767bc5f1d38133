-- Is run $run_id still there, and carried out by $owner?
SELECT count(*) > 0 AS owned FROM audit_run WHERE run_id = $run_id AND owner = $owner;
