-- Keeps the known roots as they are when run $run_id begins.
INSERT INTO audit_root
SELECT $run_id, model_id, min(source) FROM known_root GROUP BY model_id;
