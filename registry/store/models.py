"""The models of a registry: finding one by name, listing, writing, removing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import duckdb

from ...ingest.errors import RegistryError
from ...ingest.model import ModelFingerprint
from ...queries.sql import statement
from .arrow import model_tables
from .transactions import committed, is_lake


@dataclass(frozen=True, slots=True)
class Model:
    """One registered model."""

    model_id: int
    name: str
    uri: str
    revision: str | None
    state: str
    format: str
    architecture: str | None
    license: str | None
    tensors: int
    parameters: int
    bytes_read: int
    bytes_total: int
    ingested_at: datetime


def list_models(connection: duckdb.DuckDBPyConnection) -> list[Model]:
    """All models, oldest first."""
    return [Model(*row) for row in connection.execute(statement("models/all")).fetchall()]


def find_model(connection: duckdb.DuckDBPyConnection, name: str) -> Model | None:
    """The model of that URI, `name`, or `name@revision`; None when there is none.

    Raises RegistryError with the candidates when several models share the name.
    """
    found = [Model(*row) for row in connection.execute(statement("models/find"), {"name": name}).fetchall()]
    if len(found) > 1:
        listed = "\n".join(f"  {m.uri}" + (f"@{m.revision}" if m.revision else "") for m in found)
        raise RegistryError(f"{name!r} is the name of {len(found)} models; name one by its source:\n{listed}")
    return found[0] if found else None


def find_source(connection: duckdb.DuckDBPyConnection, uri: str, revision: str | None) -> Model | None:
    """The model of exactly that source and revision."""
    parameters = {"uri": uri, "revision": revision}
    rows = connection.execute(statement("models/find_source"), parameters).fetchall()
    return Model(*rows[0]) if rows else None


def known_sources(connection: duckdb.DuckDBPyConnection, uris: Iterable[str]) -> dict[tuple[str, str | None], Model]:
    """(source, revision) -> model, of those sources alone: a registry may hold millions."""
    rows = connection.execute(statement("models/known"), {"uris": sorted(set(uris))}).fetchall()
    return {(m.uri, m.revision): m for m in (Model(*row) for row in rows)}


def write_model(connection: duckdb.DuckDBPyConnection, fingerprint: ModelFingerprint) -> int:
    """Add a model, in place of an earlier one of the same source and revision, in one transaction; returns its id."""
    return committed(connection, lambda: put_model(connection, fingerprint))


def put_model(connection: duckdb.DuckDBPyConnection, fingerprint: ModelFingerprint) -> int:
    """As `write_model`, inside a transaction of the caller's."""
    earlier = find_source(connection, fingerprint.uri, fingerprint.revision)
    if earlier:
        _delete(connection, earlier.model_id)
    (model_id,) = next_ids(connection, 1)
    for table, rows in model_tables(fingerprint, model_id).items():
        connection.from_arrow(rows).insert_into(table)
    return model_id


def newest_model(connection: duckdb.DuckDBPyConnection, uri: str) -> Model | None:
    """The model of that source that was ingested last, of whatever revision."""
    rows = connection.execute(statement("models/newest"), {"uri": uri}).fetchall()
    return Model(*rows[0]) if rows else None


def remove_model(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Remove every row of a model, in one transaction."""
    committed(connection, lambda: _delete(connection, model.model_id))


def next_ids(connection: duckdb.DuckDBPyConnection, count: int) -> list[int]:
    """So many new ids of models, ascending, inside a transaction of the caller's."""
    if is_lake(connection):  # no sequences there; two writers that take at once conflict, and one of them tries again
        connection.execute(statement("lake/take_ids"), {"count": count})
        last = int(connection.execute(statement("lake/taken")).fetchall()[0][0])
        return list(range(last - count + 1, last + 1))
    return [int(number) for (number,) in connection.execute(statement("models/next_ids"), {"count": count}).fetchall()]


def _delete(connection: duckdb.DuckDBPyConnection, model_id: int) -> None:
    connection.execute("SET VARIABLE model_id = ?", [model_id])
    connection.execute(statement("models/remove"))
