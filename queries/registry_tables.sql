-- Which tables does the registry consist of? In the order in which rows may be inserted.
SELECT table_name
FROM duckdb_tables()
WHERE database_name = current_database() AND NOT temporary
ORDER BY table_oid;
