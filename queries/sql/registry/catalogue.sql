-- What does the catalogue of the database $database hold that queries of the registry call by name? Columns: kind
-- (table, view, macro or table_macro), name, holds: columns with their types of a table, parameters of a macro, and the
-- text of a view or macro of main, which two versions of DuckDB print differently.
-- Names outside of main have their schema before them: public is the stable layer. DuckDB lists its 3,000 functions
-- anew for every mention of them, which takes 25 ms, so all is asked at once.
SELECT 'table' AS kind, c.table_name AS name, list(c.column_name || ' ' || c.data_type ORDER BY c.column_index) AS holds,
    NULL AS text
FROM duckdb_columns() AS c
JOIN duckdb_tables() AS t USING (database_name, schema_name, table_name)
WHERE c.database_name = $database AND c.schema_name = 'main'
GROUP BY ALL
UNION ALL
SELECT 'view', concat(CASE WHEN schema_name = 'main' THEN '' ELSE schema_name || '.' END, view_name), [],
    CASE WHEN schema_name = 'main' THEN sql END
FROM duckdb_views()
WHERE database_name = $database AND schema_name IN ('main', 'public') AND NOT internal
UNION ALL
SELECT function_type, concat(CASE WHEN schema_name = 'main' THEN '' ELSE schema_name || '.' END, function_name), parameters,
    CASE WHEN schema_name = 'main' THEN macro_definition END
FROM duckdb_functions()
WHERE database_name = $database AND schema_name IN ('main', 'public') AND NOT internal;
