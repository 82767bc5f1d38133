-- Is a DuckLake catalogue attached?
SELECT count(*) > 0 AS attached FROM duckdb_databases() WHERE database_name = 'lake';
