-- Which ids had the model of the source $source in run $run_id? Several where several revisions were registered.
SELECT id FROM audit_model WHERE run_id = $run_id AND source = $source;
