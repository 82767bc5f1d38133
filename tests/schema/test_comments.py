"""Whoever opens a registry with DuckDB alone reads there what everything is."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from forebear.registry import Registry

LACKING = {
    "tables": "SELECT table_name FROM duckdb_tables() WHERE comment IS NULL AND database_name = 'registry'",
    "views": "SELECT view_name FROM duckdb_views() WHERE comment IS NULL AND NOT internal"
    " AND database_name = 'registry'",
    "columns": "SELECT table_name, column_name FROM duckdb_columns() WHERE comment IS NULL AND NOT internal"
    " AND database_name = 'registry'",
    "macros": "SELECT function_name FROM duckdb_functions() WHERE comment IS NULL AND NOT internal"
    " AND database_name = 'registry'",
}


@pytest.mark.parametrize("kind", LACKING)
def test_nothing_in_a_registry_is_without_a_comment(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "registry.duckdb"
    Registry(path).close()
    with duckdb.connect(str(path), read_only=True) as connection:
        assert set(connection.execute(LACKING[kind]).fetchall()) == set()


def test_the_search_for_what_lacks_a_comment_finds_one_that_was_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "registry.duckdb"
    Registry(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("COMMENT ON COLUMN model.uri IS NULL")
        assert set(connection.execute(LACKING["columns"]).fetchall()) == {("model", "uri")}
    Registry(path, read_only=True).close()  # comments are no part of what makes a file ours
