-- Which tables does the registry consist of? Those of $database: registry, or lake for a DuckLake catalogue.
SELECT table_name
FROM duckdb_tables()
WHERE database_name = $database AND NOT temporary
ORDER BY table_name;
