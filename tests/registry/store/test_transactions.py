"""Transactions write to the catalogue where there is one, and macros and views are the registry's all the same."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from forebear.registry import Registry
from forebear.registry.store.transactions import transaction


def names(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Every setting of `setting`, as its name resolves now."""
    return connection.execute("FROM setting ORDER BY name").fetchall()


def test_inside_a_transaction_of_a_catalogue_tables_are_its_own_and_macros_the_registrys(tmp_path: Path) -> None:
    with Registry(tmp_path / "registry.duckdb") as registry:
        connection = registry.connection
        connection.execute("ATTACH ':memory:' AS lake; CREATE TABLE lake.setting AS FROM registry.setting LIMIT 0")
        before = names(connection)
        with transaction(connection):
            connection.execute("INSERT INTO setting VALUES ('kind', component_kind('encoder'))")
            assert names(connection) == [("kind", "language")]
            assert connection.execute("FROM model_row").fetchall() == []
        assert names(connection) == before
        assert connection.execute("FROM lake.setting").fetchall() == [("kind", "language")]
        with pytest.raises(KeyError), transaction(connection):
            connection.execute("DELETE FROM setting")
            raise KeyError
        assert names(connection) == before
        assert connection.execute("SELECT count(*) FROM lake.setting").fetchall() == [(1,)]
