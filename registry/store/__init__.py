"""The DuckDB file and what is written to it: migrations, transactions, Arrow, Parquet, DuckLake."""
