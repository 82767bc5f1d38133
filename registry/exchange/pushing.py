"""A registry to a place where others pull it from.

What is there already is not sent again: files are named by their content, and the rest of a model's fingerprint is made
only where the place has none of that model as it was ingested. The manifest goes last.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...ingest.errors import FormatError, RegistryError
from ...queries.sql import statement
from ..store.progress import unheard
from ..store.transactions import transaction
from .manifest import Manifest, fetched, read_manifest
from .nested import Address, address_of, nested, unnested
from .place import PublishedPlace
from .tables import SKETCHES, fingerprint_tables, rows

_log = logging.getLogger(__name__)

TOGETHER = 256
"""Models of one part: about 0.6 MB."""
_READ = 32
"""Models whose rows are in memory at once: 10 MB of 32-layer models."""
_FIELDS = ("name", "source", "revision", "license", "released_at", "ingested_at")
"""What each row of a part says of its model first, for people and other engines: licence and provenance."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push came to: models at the place, files and bytes that were sent, models that are there no more."""

    place: str
    models: int
    files: int
    bytes: int
    dropped: int


def push_registry(
    connection: duckdb.DuckDBPyConnection,
    place: PublishedPlace,
    *,
    prune: bool = False,
    advance: Callable[[int, int], None] | None = None,
) -> Pushed:
    """Make `place` hold what the registry holds; `advance` hears models done and of how many.

    Raises RegistryError where models are here by their sketches alone, where the registry is empty, and without `prune`
    where the place has models that are not here; SourceError where the place cannot be read or written.
    """
    if remote := connection.execute(statement("exchange/all_remote"), {"place": None}).fetchall():
        raise RegistryError(
            f"{len(remote)} models are here by their sketches alone; `forebear pull {remote[0][1]}` brings the rest"
        )
    before = read_manifest(place)
    there = _published(place, before) if before else {}
    with transaction(connection), TemporaryDirectory(prefix="forebear-push-") as folder:
        todo = _Push(connection, Path(folder), there)
        listed = connection.execute(statement("exchange/models")).fetchall()
        if not listed:
            raise RegistryError("the registry holds no model; there is nothing to push")
        gone = _gone(there, listed)
        if gone and not prune:
            some, them = ("1 model that is", "it") if gone == 1 else (f"{gone} models that are", "them")
            raise RegistryError(
                f"{place.name}: holds {some} not in this registry; pull {them} first, or push with --prune to drop"
                f" {them} there"
            )
        done = 0
        for _, block in groupby(listed, lambda row: row[0] // TOGETHER):
            models = list(block)
            todo.part(models)
            done += len(models)
            (advance or unheard)(done, len(listed))
        settings = dict(connection.execute(statement("registry/settings")).fetchall())
        manifest = Manifest(settings, len(listed), tuple(todo.parts))
        known = set(before.parts) if before else set()
        files = {a.path("parts"): todo.file(a) for a in todo.parts if a not in known}
        files |= {a.path("models"): todo.file(a) for a in todo.made}
        size = sum(path.stat().st_size for path in files.values())
        if files or before != manifest:
            place.publish(files, manifest.written())
    _log.info("%s: %d files, %d bytes pushed", place.name, len(files), size)
    return Pushed(place.name, len(listed), len(files), size, gone)


Key = tuple[object, ...]


def _key(row: Sequence[object]) -> Key:
    """What says that a model is the one that is published: source, revision, and when it was ingested."""
    return (row[2], row[3], row[6])


def _gone(there: Iterable[Key], listed: Sequence[Sequence[object]]) -> int:
    """How many published models would be dropped; one that was ingested again here since is replaced instead."""
    newest: dict[Key, datetime] = {}
    for row in listed:
        source, revision, ingested = _key(row)
        assert isinstance(ingested, datetime)
        newest[(source, revision)] = max(ingested, newest.get((source, revision), ingested))
    here = {_key(row) for row in listed}
    return sum(
        key not in here and not (isinstance(key[2], datetime) and key[2] < newest.get(key[:2], datetime.min))
        for key in there
    )


def _published(place: PublishedPlace, manifest: Manifest) -> dict[Key, Address]:
    """The models of a place, and the file of each."""
    found: dict[Key, Address] = {}
    for part in manifest.parts:
        name = f"{place.name}/{part.path('parts')}"
        table = unnested(fetched(place, part, "parts"), name)
        try:
            columns = [table[c].to_pylist() for c in ("source", "revision", "ingested_at", "sha256", "bytes")]
        except KeyError as error:
            raise FormatError(f"{name}: lacks the column {error}") from error
        for source, revision, ingested, sha256, size in zip(*columns, strict=True):
            found[(source, revision, ingested)] = Address(sha256, size)
    return found


class _Push:
    """The files of one push, made in a folder; `made` are those of models that the place has not."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path, there: dict[Key, Address]) -> None:
        self._connection, self._folder, self._there = connection, folder, there
        self._tables = fingerprint_tables(connection)
        self.parts: list[Address] = []
        self.made: list[Address] = []

    def file(self, address: Address) -> Path:
        """Where the content of an address lies here."""
        return self._folder / address.sha256

    def part(self, models: Sequence[tuple[object, ...]]) -> None:
        """Make the part of these models, and the files of those that the place has not."""
        ids = [int(str(row[0])) for row in models]
        known = {model_id: self._there.get(_key(row)) for model_id, row in zip(ids, models, strict=True)}
        made = self._models([model_id for model_id in ids if known[model_id] is None])
        addresses = [known[model_id] or made[model_id] for model_id in ids]
        columns = {
            name: pa.array([row[i] for row in models], pa.timestamp("us") if name.endswith("_at") else pa.string())
            for i, name in enumerate(_FIELDS, 1)
        }
        columns["sha256"] = pa.array([a.sha256 for a in addresses], pa.string())
        columns["bytes"] = pa.array([a.bytes for a in addresses], pa.uint64())
        self.parts.append(self._kept(nested(rows(self._connection, SKETCHES, ids[0], ids[-1]), ids, columns)))

    def _models(self, ids: Sequence[int]) -> dict[int, Address]:
        """The files of these models, read _READ at a time: a query a table takes as long for one as for many."""
        found: dict[int, Address] = {}
        for begin in range(0, len(ids), _READ):
            group = ids[begin : begin + _READ]
            block = rows(self._connection, self._tables, group[0], group[-1])
            owners = {name: table["model_id"].to_numpy() for name, table in block.items()}
            for model_id in group:
                mine = {name: table.slice(*_span(owners[name], model_id)) for name, table in block.items()}
                found[model_id] = self._kept(nested(mine, [model_id], {}))
        self.made += found.values()
        return found

    def _kept(self, data: bytes) -> Address:
        address = address_of(data)
        self.file(address).write_bytes(data)
        return address


def _span(owners: NDArray[np.integer], model_id: int) -> tuple[int, int]:
    """First row and number of rows of a model, in rows ordered by it."""
    first, last = np.searchsorted(owners, [model_id, model_id + 1])
    return int(first), int(last - first)
