"""Rows of `sketch` and `activation_sketch` for tests that need sketches and no models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from forebear.queries.data.query import QuerySketch


def random_sketch(random: np.random.Generator, component: str = "language") -> QuerySketch:
    """A sketch that has nothing in common with others."""
    positions, gram, columns, signs = (random.bytes(size) for size in (224, 75, 128, 128))
    return QuerySketch(component, 127, 31, positions, gram, columns, 0.25, 0.5, signs)


def write_sketches(connection: duckdb.DuckDBPyConnection, sketches: Sequence[tuple[int, QuerySketch]]) -> None:
    """Rows of models as ingest writes them."""
    rows: list[dict[str, Any]] = [
        {
            "model_id": model,
            "component": one.component,
            "position_roles": one.position_roles,
            "gram_roles": one.gram_roles,
            "positions": one.positions,
            "gram": one.gram,
            "column_bits": one.columns,
            "o_filled": one.o_filled,
            "down_filled": one.down_filled,
            "signs": one.activations,
        }
        for model, one in sketches
    ]
    connection.register("made", pa.Table.from_pylist(rows))
    connection.execute(
        "INSERT INTO sketch BY NAME SELECT model_id, component, position_roles, gram_roles,"
        " positions::BLOB::BIT AS positions, gram::BLOB::BIT AS gram, [0 for _ in range(64)]::UINTEGER[64] AS minhash,"
        " column_bits::BLOB::BIT AS column_bits, o_filled, down_filled FROM made"
    )
    connection.execute(
        "INSERT INTO activation_sketch SELECT model_id, component, signs::BLOB::BIT FROM made"
        " WHERE octet_length(signs) > 0"
    )
    connection.unregister("made")
