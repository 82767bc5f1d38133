"""Which registered models a query declares as its parents, and which declare the query."""

from __future__ import annotations

import duckdb

from ..data.query import Query
from ..sql import statement
from .names import Names


def declared_kin(connection: duckdb.DuckDBPyConnection, names: Names, query: Query) -> dict[int, tuple[bool, bool]]:
    """Model id -> whether the query declares it as a parent, and whether it declares the query."""
    called, declaring = names.called(query.declared), names.declaring(query.own)
    if not called and not declaring:
        return {}
    values = {
        "model_id": query.model_id,
        "parents": list(query.declared),
        "own": list(query.own),
        "called": called,
        "declaring": declaring,
    }
    rows = connection.execute(statement("search/declared"), values).fetchall()
    return {model: (parent, child) for model, parent, child in rows}
