-- The number of the next missing ancestor.
SELECT coalesce(max(inferred_id), 0) + 1 FROM inferred;
