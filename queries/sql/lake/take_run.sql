-- Takes the number of an audit run, behind those that an import brought; no other writer can take it in the same moment.
UPDATE lake.taken_runs SET taken = greatest(taken, (SELECT coalesce(max(run_id), 0) FROM lake.audit_run)) + 1;
