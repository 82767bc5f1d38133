"""Which tables travel, and how: what is shown and searched by in parts, the rest of a fingerprint in a file a model."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa
from duckdb import ColumnExpression

from ..store.parquet import tables
from ..store.parts import portable

SKETCHES = ("model", "declared_parent", "tokenizer", "sketch", "activation_sketch", "hub", "adapter", "root_claim")
"""What a search of candidates, a list and a claim need: 2 to 3 kB a model."""
_ORDER = ("model_id", "tensor_id", "component", "path", "name", "token", "module", "parent", "source")
REMOTE = "remote_fingerprint"
"""Stays where it is: it says what this registry lacks."""


def fingerprint_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables with the rest of a fingerprint."""
    return [
        table
        for table in tables(connection)
        if table not in SKETCHES and table != REMOTE and "model_id" in connection.table(table).columns
    ]


def rows(connection: duckdb.DuckDBPyConnection, names: Sequence[str], first: int, last: int) -> dict[str, pa.Table]:
    """The rows of these tables of the models `first` to `last`, in an order that a second push has too."""
    found = {}
    for name in names:
        whole = portable(connection.table(name))
        mine = whole.filter((ColumnExpression("model_id") >= first) & (ColumnExpression("model_id") <= last))
        keys = [key for key in _ORDER if key in whole.columns]
        found[name] = mine.order(", ".join(keys)).to_arrow_table()
    return found
