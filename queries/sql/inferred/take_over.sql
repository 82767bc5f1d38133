-- Makes what run $earlier inferred, which never finished, that of run $run_id, which took its answers over.
UPDATE inferred SET run_id = $run_id WHERE run_id = $earlier;
