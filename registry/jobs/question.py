"""A question about a model that the registry does not hold, from a fingerprint that is not kept."""

from __future__ import annotations

import duckdb

from ...ingest.model import ModelFingerprint
from ...queries.data.loading import load_components
from ...queries.data.query import Query, QuerySketch, filled, own_names, rows_of_models
from ...queries.sql import statement
from ..store.arrow import model_tables, utc

UNREGISTERED = -1
"""The model id of a query that is not in the registry."""


def unregistered_query(connection: duckdb.DuckDBPyConnection, made: ModelFingerprint) -> Query:
    """The query for a fingerprint. Nothing is written: a table without rows takes its columns from the registry's."""
    tables = model_tables(made, 0)
    tables = rows_of_models(connection, []) | tables
    activations = {s.component: s.signs for s in made.activations.sketches}
    sketches = [
        QuerySketch(
            s.component,
            s.position_roles,
            s.gram_roles,
            s.positions,
            s.gram,
            s.columns,
            s.o_filled,
            s.down_filled,
            activations.get(s.component, b""),
        )
        for s in made.sketches
    ]
    rows = connection.execute(statement("models/published_root"), {"uri": made.uri}).fetchall()
    return Query(
        UNREGISTERED,
        own_names(made.name, made.uri),
        tuple(parent.parent for parent in made.card.parents),
        tuple(load_components(tables).get(0, [])),
        tuple(sorted(sketches, key=lambda s: s.component)),
        utc(made.provider.created) if made.provider else None,
        next((source for (source,) in rows), None),
        content=filled(made.content),
    )
