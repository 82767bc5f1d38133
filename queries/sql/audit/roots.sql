-- The known roots as they were when run $run_id began, each with whose word that is.
SELECT id, source FROM audit_root WHERE run_id = $run_id ORDER BY id;
