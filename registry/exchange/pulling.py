"""A published registry into the one that is here: every byte is held against its checksum before a row is kept.

A part (up to 256 models) is one transaction, so that a process killed at any moment leaves whole models. With sketches
alone the rest of a fingerprint stays at the place, and `complete` fetches it for the models that an answer needs.
Rows are checked as those of `forebear import` are; what is here of the same source and revision stays as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ...ingest.errors import FormatError, RegistryError
from ...queries.sql import statement
from ..store.parquet import import_registry, write_manifest
from ..store.parts import PART, checked_batches, parts, require_parts
from ..store.progress import unheard
from ..store.transactions import committed
from .manifest import Manifest, checked_address, fetched, read_manifest
from .nested import Address, rows_of, unnested
from .opening import open_place
from .place import PublishedPlace
from .tables import REMOTE, SKETCHES, fingerprint_tables

_log = logging.getLogger(__name__)

CONNECTIONS = 8
"""Files that are fetched at once."""
TOGETHER = 32
"""Files of models that are in memory at once: 10 MB of 32-layer models."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull brought: new models, those that were here already, and bytes. `sketches`: models without the rest."""

    place: str
    models: int
    unchanged: int
    sketches: int
    bytes: int


def pull_registry(
    connection: duckdb.DuckDBPyConnection,
    place: PublishedPlace,
    *,
    sketches: bool = False,
    advance: Callable[[int, int], None] | None = None,
) -> Pulled:
    """Add the models of a published registry, part by part; `advance` hears models done and of how many.

    Without `sketches` the rest of models that are here by their sketches alone comes too. Raises RegistryError where
    nothing was pushed or versions differ, SourceError where the place cannot be read, FormatError for what is not what
    its checksum or the schema says; parts that came before that are kept.
    """
    manifest = _required(connection, place)
    known = {sha256 for (sha256,) in connection.execute(statement("exchange/pulled"), {"place": place.name}).fetchall()}
    todo = [part for part in manifest.parts if part.sha256 not in known]
    new = size = 0
    for done, part in enumerate(todo, 1):
        brought = _bring(connection, place, part, manifest, sketches=sketches)
        _note(connection, place.name, part)
        new, size = new + brought.models, size + brought.bytes
        (advance or unheard)(min(done * 256, manifest.models), manifest.models)
    if not sketches:
        size += complete(connection, remote_fingerprints(connection, place.name))
    left = len(remote_fingerprints(connection, place.name))
    return Pulled(place.name, new, max(0, manifest.models - new), left, size)


def _note(connection: duckdb.DuckDBPyConnection, place: str, part: Address) -> None:
    values = {"place": place, "sha256": part.sha256}
    committed(connection, lambda: connection.execute(statement("exchange/note_pulled"), values))


@dataclass(frozen=True, slots=True)
class Remote:
    """A model that is here by its sketches alone, and where the rest is."""

    model_id: int
    place: str
    address: Address


def remote_fingerprints(
    connection: duckdb.DuckDBPyConnection, place: str | None = None, *, models: Iterable[int] | None = None
) -> list[Remote]:
    """The models that are here by their sketches alone: all, those of a place, or those among `models`."""
    if models is not None:
        found = connection.execute(statement("exchange/remote"), {"models": sorted(models)}).fetchall()
    else:
        found = connection.execute(statement("exchange/all_remote"), {"place": place}).fetchall()
    return [Remote(model, where, checked_address(sha256, size, where)) for model, where, sha256, size in found]


def complete(connection: duckdb.DuckDBPyConnection, wanted: Sequence[Remote]) -> int:
    """Fetch the rest of these models, each kept in a transaction of its own; the bytes that came."""
    places = {one.place: open_place(one.place) for one in wanted}
    size = 0
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for begin in range(0, len(wanted), TOGETHER):
            group = wanted[begin : begin + TOGETHER]
            for one, data in zip(
                group, pool.map(lambda one: fetched(places[one.place], one.address, "models"), group), strict=True
            ):
                _complete(connection, one, data)
                size += len(data)
    return size


def _complete(connection: duckdb.DuckDBPyConnection, one: Remote, data: bytes) -> None:
    name = f"{one.place}/{one.address.path('models')}"
    with TemporaryDirectory(prefix="forebear-pull-") as folder:
        staged = _Staged(connection, Path(folder))
        staged.add(one_model(data, name), fingerprint_tables(connection), [one.model_id], name)
        try:
            staged.checked()
            committed(connection, lambda: staged.kept(one.model_id))
        except (pa.ArrowException, duckdb.IntegrityError, duckdb.DataError, duckdb.BinderException) as error:
            raise FormatError(f"{name}: is not what `forebear push` writes: {error}; nothing was kept") from error


def _required(connection: duckdb.DuckDBPyConnection, place: PublishedPlace) -> Manifest:
    manifest = read_manifest(place)
    if manifest is None:
        raise RegistryError(f"{place.name}: no registry was pushed there; `forebear push {place.name}` does")
    mine = dict(connection.execute(statement("registry/settings")).fetchall())
    if manifest.settings != mine:
        raise RegistryError(
            f"{place.name}: its fingerprints were made with {manifest.settings}, those of this registry with {mine}"
        )
    return manifest


@dataclass(frozen=True, slots=True)
class _Brought:
    models: int
    bytes: int


def _bring(
    connection: duckdb.DuckDBPyConnection, place: PublishedPlace, part: Address, manifest: Manifest, *, sketches: bool
) -> _Brought:
    """One part: fetched, checked, staged as an export of its new models, and imported in one transaction."""
    name = f"{place.name}/{part.path('parts')}"
    data = fetched(place, part, "parts")
    table = unnested(data, name)
    if missing := sorted({"source", "revision", "sha256", "bytes", *SKETCHES} - set(table.column_names)):
        raise FormatError(f"{name}: lacks the columns {', '.join(missing)}")
    ids = list(range(1, table.num_rows + 1))
    models = rows_of(table, "model", ids, name)
    if models["model_id"].to_pylist() != ids:
        raise FormatError(f"{name}: does not hold one model a row")
    known = set(connection.table("model").select("uri", "revision").fetchall())
    pairs = zip(models["uri"].to_pylist(), models["revision"].to_pylist(), strict=True)
    new = [row for row, pair in enumerate(pairs) if pair not in known]
    addresses = {row: checked_address(table["sha256"][row].as_py(), table["bytes"][row].as_py(), name) for row in new}
    size = len(data)
    with TemporaryDirectory(prefix="forebear-pull-") as at:
        staged = _Staged(connection, Path(at))
        if new:
            staged.add(table.take(new), SKETCHES, [row + 1 for row in new], name)
        if sketches and new:
            staged.remote(place.name, addresses)
        elif new:
            size += staged.rest(place, addresses)
        staged.imported(name)
    return _Brought(len(new), size)


class _Staged:
    """Rows of new models in a folder, as `forebear export` writes them, until all of a part is there."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection, self._folder = connection, folder
        self._rows: dict[str, int] = {}

    def add(self, table: pa.Table, names: Sequence[str], model_ids: Sequence[int], name: str) -> None:
        """Unnest the columns `names` of a file of models; FormatError where one is missing or no list of rows."""
        for column in names:
            if column not in table.column_names:
                raise FormatError(f"{name}: lacks the column {column}")
            self._put(column, rows_of(table, column, model_ids, name))

    def remote(self, place: str, addresses: Mapping[int, Address]) -> None:
        """Note where the rest of the models is; keys are rows of the part."""
        self._put(
            REMOTE,
            pa.table(
                {
                    "model_id": pa.array([row + 1 for row in addresses], pa.uint32()),
                    "place": pa.array([place] * len(addresses), pa.string()),
                    "sha256": pa.array([a.sha256 for a in addresses.values()], pa.string()),
                    "bytes": pa.array([a.bytes for a in addresses.values()], pa.uint64()),
                }
            ),
        )

    def rest(self, place: PublishedPlace, addresses: Mapping[int, Address]) -> int:
        """Fetch the rest of the models; the bytes that came."""
        names, size = fingerprint_tables(self._connection), 0
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            rows = list(addresses)
            for begin in range(0, len(rows), TOGETHER):
                group = rows[begin : begin + TOGETHER]
                found = pool.map(lambda row: fetched(place, addresses[row], "models"), group)
                for row, data in zip(group, found, strict=True):
                    name = f"{place.name}/{addresses[row].path('models')}"
                    self.add(one_model(data, name), names, [row + 1], name)
                    size += len(data)
        return size

    def imported(self, name: str) -> None:
        """Keep all of it in one transaction, checked as any export of a stranger's is."""
        if not self._rows:
            return
        _write(self._connection.table("setting").to_arrow_table(), self._folder / "setting" / PART)
        write_manifest(self._folder, self._rows)
        try:
            import_registry(self._connection, self._folder)
        except FormatError as error:
            raise FormatError(f"{name}: {error}") from error

    def kept(self, model_id: int) -> None:
        """Add the rows to the model that is here by its sketches alone; the caller has begun a transaction."""
        for table in self._rows:
            for part in parts(self._folder / table):
                for batch in checked_batches(part):
                    columns = self._connection.table(table).columns
                    self._connection.from_arrow(batch.select(columns)).insert_into(table)
        self._connection.execute(statement("exchange/completed"), {"model_id": model_id})

    def checked(self) -> None:
        """Columns and types are those of the tables. Raises FormatError where they are not."""
        for table in self._rows:
            require_parts(self._connection, table, parts(self._folder / table))

    def _put(self, table: str, rows: pa.Table) -> None:
        number = self._rows.get(table, 0)
        _write(rows, self._folder / table / f"from={number:09}" / PART)
        self._rows[table] = number + rows.num_rows


def one_model(data: bytes, name: str) -> pa.Table:
    """The file of one model. Raises FormatError when it has another number of rows."""
    table = unnested(data, name)
    if table.num_rows != 1:
        raise FormatError(f"{name}: holds {table.num_rows} models instead of one")
    return table


def _write(rows: pa.Table, path: Path) -> None:
    if rows.num_rows:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, path, compression="none")
