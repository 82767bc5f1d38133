-- The columns of audit_pair, in the order of the table.
SELECT column_name FROM duckdb_columns() WHERE table_name = 'audit_pair' ORDER BY column_index;
