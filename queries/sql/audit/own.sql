-- Makes the process $owner the one that carries out run $run_id. Where another process does the same at that moment, one of
-- the two transactions fails.
UPDATE audit_run SET owner = $owner WHERE run_id = $run_id;
