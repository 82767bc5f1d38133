-- The related pairs of run $run_id, once a pair; columns as the macro `lineage_pairs` has them.
FROM lineage_pairs($run_id) ORDER BY child_id, parent_id;
