-- What do the views and macros of a database say, and how many arguments does each macro take?
-- $database: its name. Columns: kind, name, text, arguments.
SELECT 'view' AS kind, view_name AS name, sql AS text, 0 AS arguments
FROM duckdb_views()
WHERE database_name = $database AND schema_name = 'main' AND NOT internal
UNION ALL
SELECT function_type, function_name, macro_definition, len(parameters)
FROM duckdb_functions()
WHERE database_name = $database AND schema_name = 'main' AND NOT internal
ORDER BY kind, name, text;
