"""A model that is asked about, and the rows of registered models as components."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
from duckdb import ColumnExpression, ConstantExpression

from ...ingest.errors import RegistryError
from ...ingest.fingerprint.kinds import STORED
from ..sql import statement
from .component import Component
from .loading import load_components

NO_CONTENT = hashlib.blake2b(digest_size=16).hexdigest()
"""The `content` of a model of which no value was read."""
TABLES = ("tensor", *(kind.name for kind in STORED), "vector", "token_row", "activation", "skipped_tensor")
"""The tables that a comparison reads."""
VALUES = ("tensor", "positions")
"""Those of them with the values of components at the sampled places, and what these are of."""


@dataclass(frozen=True, slots=True)
class QuerySketch:
    """What the candidate scan needs of one component of the query; `activations` is empty where there are none."""

    component: str
    position_roles: int
    gram_roles: int
    positions: bytes
    gram: bytes
    columns: bytes
    o_filled: float
    down_filled: float
    activations: bytes = b""


@dataclass(frozen=True, slots=True)
class Query:
    """A model that is asked about. `model_id` is -1 when it is not in the registry; `own` are its name and its source.

    `root` is who claims that it was trained from scratch; `newest` says that nothing registered came after it, because
    somebody assumes so. `content` is the digest of everything that was read, None where nothing was.
    """

    model_id: int
    own: tuple[str, ...]
    declared: tuple[str, ...]
    components: tuple[Component, ...]
    sketches: tuple[QuerySketch, ...]
    released_at: datetime | None = None
    root: str | None = None
    newest: bool = False
    content: str | None = None


def registered_query(connection: duckdb.DuckDBPyConnection, model_id: int) -> Query:
    """The query for a model of the registry."""
    facts = connection.execute(statement("models/facts"), {"models": [model_id]}).fetchall()[0]
    declared = connection.execute(statement("show/parents"), {"model_id": model_id}).fetchall()
    components = load_models(connection, [model_id]).get(model_id, [])
    return Query(
        model_id,
        own_names(facts[1], facts[2]),
        tuple(parent for parent, _, _ in declared),
        tuple(components),
        registered_sketches(connection, model_id),
        facts[4],
        next(
            (source for _, source in connection.execute(statement("models/roots"), {"models": [model_id]}).fetchall()),
            None,
        ),
        content=filled(connection.execute(statement("models/content"), {"model_id": model_id}).fetchall()[0][0]),
    )


def filled(content: str) -> str | None:
    """A digest of content, None for that of a model of which no value was read: it equals every other such model's."""
    return None if content == NO_CONTENT else content


def own_names(name: str, uri: str) -> tuple[str, ...]:
    """What other models may call a model that they declare as their parent."""
    return name, uri


class SketchesOnly(RegistryError):
    """What is asked for needs fingerprints of `models`, of which only the sketches are here; `place` has the rest."""

    def __init__(self, models: Sequence[int], place: str) -> None:
        super().__init__(
            f"{len(models)} of the models that this needs are here by their sketches alone; `forebear pull {place}`"
            " brings the rest"
        )
        self.models, self.place = tuple(models), place

    def __reduce__(self) -> tuple[type[SketchesOnly], tuple[tuple[int, ...], str]]:
        """As it is made again in another process."""
        return type(self), (self.models, self.place)


def load_models(connection: duckdb.DuckDBPyConnection, models: Sequence[int]) -> dict[int, list[Component]]:
    """Model id -> components, read in bulk."""
    return load_components(rows_of_models(connection, models))


def rows_of_models(
    connection: duckdb.DuckDBPyConnection, models: Sequence[int], tables: Collection[str] = TABLES
) -> dict[str, pa.Table]:
    """Each of TABLES -> its rows of these models; of those that are not in `tables`, no row.

    Raises SketchesOnly as `require_rows`.
    """
    ids = [int(m) for m in models]
    require_rows(connection, ids)
    return {table: _rows(connection.table(table), ids if table in tables else []) for table in TABLES}


def require_rows(connection: duckdb.DuckDBPyConnection, models: Sequence[int]) -> None:
    """Raises SketchesOnly where some models are here by their sketches alone: their rows would be missing silently."""
    if remote := connection.execute(statement("exchange/remote"), {"models": list(models)}).fetchall():
        raise SketchesOnly([model for model, *_ in remote], remote[0][1])


def _rows(table: duckdb.DuckDBPyRelation, ids: Sequence[int]) -> pa.Table:
    """The rows of these models, by a filter of constants, which skips the row groups and the files without them.

    A statement with the ids as its parameter takes 70 times as long in DuckDB 1.5, whose client makes Python objects of
    such results on the way to Arrow, and 8 times for scattered models in 2.0.
    """
    if not ids:
        return table.limit(0).to_arrow_table()
    return table.filter(ColumnExpression("model_id").isin(*map(ConstantExpression, ids))).to_arrow_table()


def registered_sketches(connection: duckdb.DuckDBPyConnection, model_id: int) -> tuple[QuerySketch, ...]:
    """The sketches of a model of the registry, by component."""
    rows = connection.execute(statement("search/sketch"), {"model_id": model_id}).fetchall()
    return tuple(
        QuerySketch(c, p, g, bytes(x), bytes(y), bytes(z), o, d, bytes(signs)) for c, p, g, x, y, z, o, d, signs in rows
    )
