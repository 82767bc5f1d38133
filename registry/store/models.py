"""The models of a registry: finding one by name, listing, writing, removing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from ...ingest.errors import RegistryError
from ...ingest.text import printable
from ...ingest.versions import FINGERPRINT_VERSION
from ...queries.answers.tabular import one_line
from ...queries.sql import statement
from .transactions import committed, is_lake

if TYPE_CHECKING:
    from ...ingest.model import ModelFingerprint

_log = logging.getLogger(__name__)

_LONGEST_NAME = 200
"""Characters of a name that is looked for among similar ones: the work of a comparison grows with both lengths."""
_LONGEST_SOURCE = 2048
"""Characters of a claim's source that are kept: the longest address that browsers take."""


@dataclass(frozen=True, slots=True, repr=False)
class Model:
    """One registered model: the columns of the view `model_row`."""

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
    fingerprint_version: int

    @property
    def outdated(self) -> bool:
        """Whether an earlier version of fingerprints made it: it lacks what came since, such as activations."""
        return self.fingerprint_version < FINGERPRINT_VERSION

    def __repr__(self) -> str:
        return one_line("Model", f"{self.model_id}, {self.name}: {self.format}, {self.parameters} parameters")


def list_models(connection: duckdb.DuckDBPyConnection, wanted: Mapping[str, str | None] | None = None) -> list[Model]:
    """All models, oldest first, or those that pass a filter: the parameters of a ModelFilter."""
    return _models(connection, "filtered", **wanted) if wanted else _models(connection, "all")


def page_of_models(
    connection: duckdb.DuckDBPyConnection, wanted: Mapping[str, str | None], *, most: int, skipped: int
) -> tuple[list[Model], int]:
    """`most` models that pass a filter, behind the first `skipped` by name, and how many pass in all."""
    values = {**wanted, "most": most, "skipped": skipped}
    rows = connection.execute(statement("models/page"), values)
    columns = [column[0] for column in rows.description][:-1]
    found = rows.fetchall()
    if not found and skipped:
        return [], page_of_models(connection, wanted, most=1, skipped=0)[1]
    return [Model(**dict(zip(columns, row[:-1], strict=True))) for row in found], int(found[0][-1]) if found else 0


def similar_names(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    """Up to three names of registered models that somebody may have meant by `name`, the likeliest first."""
    rows = connection.execute(statement("models/similar"), {"name": name[:_LONGEST_NAME]})
    return [found for (found,) in rows.fetchall()]


def find_model(connection: duckdb.DuckDBPyConnection, name: str) -> Model | None:
    """The model of that URI, `name`, or `name@revision`; None when there is none.

    Raises RegistryError with the candidates when several models share the name.
    """
    found = _models(connection, "find", name=name)
    if "@" in name:
        known = {model.model_id for model in found}
        more = [model for model in _models(connection, "find_revision", name=name) if model.model_id not in known]
        found = sorted([*found, *more], key=lambda model: model.model_id)
    if len(found) > 1:
        listed = "\n".join(f"  {m.uri}" + (f"@{m.revision}" if m.revision else "") for m in found)
        raise RegistryError(f"{name!r} is the name of {len(found)} models; name one by its source:\n{listed}")
    return found[0] if found else None


def find_source(connection: duckdb.DuckDBPyConnection, uri: str, revision: str | None) -> Model | None:
    """The model of exactly that source and revision."""
    return next(iter(_models(connection, "find_source", uri=uri, revision=revision)), None)


def known_sources(connection: duckdb.DuckDBPyConnection, uris: Iterable[str]) -> dict[tuple[str, str | None], Model]:
    """(source, revision) -> model, of those sources alone: a registry may hold millions."""
    return {(m.uri, m.revision): m for m in _models(connection, "known", uris=sorted(set(uris)))}


def outdated_models(connection: duckdb.DuckDBPyConnection) -> list[Model]:
    """The models whose fingerprints lack what this version keeps, oldest first."""
    return _models(connection, "outdated", version=FINGERPRINT_VERSION)


def count_outdated(connection: duckdb.DuckDBPyConnection, models: Iterable[int]) -> tuple[int, list[str]]:
    """How many fingerprints lack what this version keeps, and the names of those among `models`, oldest first."""
    values = {"version": FINGERPRINT_VERSION, "models": list(models)}
    count, names = connection.execute(statement("models/count_outdated"), values).fetchall()[0]
    return int(count), names


def put_model(connection: duckdb.DuckDBPyConnection, fingerprint: ModelFingerprint) -> int:
    """Add a model, in place of an earlier one of the same source and revision; returns its id.

    The caller has begun a transaction.
    """
    from .arrow import model_tables

    earlier = find_source(connection, fingerprint.uri, fingerprint.revision)
    (model_id,) = next_ids(connection, 1)
    if earlier:
        keep = {"earlier": earlier.model_id, "model_id": model_id}
        connection.execute(statement("models/keep_roots"), keep)
        _delete(connection, earlier.model_id)
    for table, rows in model_tables(fingerprint, model_id).items():
        connection.from_arrow(rows).insert_into(table)
    return model_id


def newest_model(connection: duckdb.DuckDBPyConnection, uri: str) -> Model | None:
    """The model of that source that was ingested last, of whatever revision."""
    return next(iter(_models(connection, "newest", uri=uri)), None)


def remove_model(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Remove every row of a model, in one transaction."""
    committed(connection, lambda: _delete(connection, model.model_id))
    _log.info("removed %s (%s)", model.name, model.uri)


def mark_root(connection: duckdb.DuckDBPyConnection, model: Model, source: str) -> None:
    """Keep the claim of `source` that a model was trained from scratch, instead of an earlier one."""
    values = {"model_id": model.model_id, "source": printable(source, _LONGEST_SOURCE)}

    def write() -> None:
        connection.execute(statement("models/unmark_root"), {"model_id": model.model_id})
        connection.execute(statement("models/mark_root"), values)

    committed(connection, write)


def unmark_root(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Forget the claims that were noted; what the list of published base models says of a model stays."""
    values = {"model_id": model.model_id}
    committed(connection, lambda: connection.execute(statement("models/unmark_root"), values))


def next_ids(connection: duckdb.DuckDBPyConnection, count: int) -> list[int]:
    """So many new ids of models, ascending, inside a transaction of the caller's."""
    if is_lake(connection):  # no sequences there; two writers that take at once conflict, and one of them tries again
        connection.execute(statement("lake/take_ids"), {"count": count})
        last = int(connection.execute(statement("lake/taken")).fetchall()[0][0])
        return list(range(last - count + 1, last + 1))
    return [int(number) for (number,) in connection.execute(statement("models/next_ids"), {"count": count}).fetchall()]


def _models(connection: duckdb.DuckDBPyConnection, question: str, /, **parameters: object) -> list[Model]:
    """The models of `models/QUESTION.sql`; columns of `model_row` become the fields of those names."""
    rows = connection.execute(statement(f"models/{question}"), parameters)
    columns = [column[0] for column in rows.description]
    return [Model(**dict(zip(columns, row, strict=True))) for row in rows.fetchall()]


def _delete(connection: duckdb.DuckDBPyConnection, model_id: int) -> None:
    connection.execute("SET VARIABLE model_id = ?", [model_id])
    connection.execute(statement("inferred/forget_of_model"))
    connection.execute(statement("models/remove"))
