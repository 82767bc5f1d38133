"""The registry as a folder of Parquet files that other engines read, and back, without loss.

    DIR/manifest.json                      versions, and the rows of every table
    DIR/tensor/block=000003/part.parquet   tables with a model_id: 256 models a part, in the order of their ids
    DIR/setting/part.parquet               tables without one

A bit string is a BLOB there, and an array of fixed length a list: Parquet has neither. All else keeps its type.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from duckdb import ColumnExpression
from numpy.typing import NDArray

from ...ingest.errors import FormatError, RegistryError
from ...queries.sql import statement
from .database import migrations
from .models import next_ids
from .parts import PART, checked_batches, parts, portable, require_parts
from .transactions import committed, is_lake, transaction

_log = logging.getLogger(__name__)

MANIFEST_VERSION = 1
MODELS_APART = 256
"""About 80 MB of tensors' rows in a part of 32-layer models: a size that every engine likes."""
MOST_ID = 10_000_000
"""The highest id of a model that an import keeps: every id below it is taken too, which takes memory and time."""
_NOT_EXPORTED = {"migration", "licence", "published_root", "taken_ids", "taken_runs", "pulled_part"}
"""Migrations make the first three, ids follow from the models, and what was pulled speaks of this file alone."""
_NOT_EXPORTED |= {"inferred", "inferred_member", "inferred_tensor", "inferred_match"}
"""Missing ancestors are no models: an audit infers them where the export is read."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote: models, rows of all tables, bytes of all files."""

    folder: Path
    models: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought; `unchanged` models were there already and stay as they are.

    `left` names tables that an import into a registry with models of its own leaves out: they speak of the other one.
    """

    folder: Path
    models: int
    unchanged: int
    rows: int
    left: tuple[str, ...]


def export_registry(connection: duckdb.DuckDBPyConnection, folder: Path) -> Exported:
    """Write every table of the registry below `folder`, which appears when all of it is written.

    Raises RegistryError when the folder is there and not empty, OSError when it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RegistryError(f"{folder}: is there and not empty; name a new folder")
    began = time.monotonic()
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f"{folder.name}.{uuid4().hex}.partial")  # a name of its own: no other is ever removed
    partial.mkdir()
    try:
        rows = _export_tables(connection, partial)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    _log.info("%s: %d bytes written in %.2f s", folder, size, time.monotonic() - began)
    return Exported(folder, rows["model"], sum(rows.values()), size)


def _export_tables(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
    """Every table and the manifest into `folder`; the rows of each table."""
    with transaction(connection):  # one snapshot for all tables
        rows = {table: _export_table(connection, table, folder) for table in tables(connection)}
    write_manifest(folder, rows)
    return rows


def write_manifest(folder: Path, rows: Mapping[str, int]) -> None:
    """What says that the tables in a folder are an export of this schema, with so many `rows` each."""
    manifest = {
        "manifest_version": MANIFEST_VERSION,
        "migrations": [name for _, name, _ in migrations()],
        "rows": dict(rows),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def import_registry(connection: duckdb.DuckDBPyConnection, folder: Path) -> Imported:
    """Add what `export_registry` wrote, in one transaction: all of it or nothing.

    An empty registry becomes equal to the exported one, ids included. Where there are models already, those of the same
    source and revision stay as they are, and the others get new ids.
    Raises RegistryError for another version of schema or fingerprints, FormatError for files that are no export.
    """
    manifest = _manifest(folder)
    try:
        _check_settings(connection, folder)
        return committed(connection, lambda: _import(connection, folder, manifest))
    except (pa.ArrowException, OSError, duckdb.IntegrityError, duckdb.DataError, duckdb.BinderException) as error:
        raise FormatError(f"{folder}: is not what `forebear export` writes: {error}; nothing was imported") from error


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables that an export holds: all that migrations do not fill."""
    database = "lake" if is_lake(connection) else "registry"
    rows = connection.execute(statement("models/tables"), {"database": database}).fetchall()
    return [name for (name,) in rows if name not in _NOT_EXPORTED]


def _export_table(connection: duckdb.DuckDBPyConnection, table: str, folder: Path) -> int:
    whole = portable(connection.table(table))
    if "model_id" not in whole.columns:
        return _write(whole, folder / table / PART)
    last = connection.table("model").max("model_id").fetchall()[0][0]
    rows = 0
    for first in range(0, (last or 0) + 1, MODELS_APART):
        mine = (ColumnExpression("model_id") >= first) & (ColumnExpression("model_id") < first + MODELS_APART)
        rows += _write(whole.filter(mine), folder / table / f"block={first // MODELS_APART:06}" / PART)
    return rows


def _write(relation: duckdb.DuckDBPyRelation, path: Path) -> int:
    """Write a relation in the order of its models; a part without rows is no file. Returns the rows."""
    ordered = relation.order("model_id") if "model_id" in relation.columns else relation
    rows = 0
    with ordered.to_arrow_reader(1 << 16) as reader:
        writer: pq.ParquetWriter | None = None
        try:
            for batch in reader:
                if writer is None:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    writer = pq.ParquetWriter(path, reader.schema, compression="zstd")
                writer.write_batch(batch)
                rows += batch.num_rows
        finally:
            if writer:
                writer.close()
    return rows


def _manifest(folder: Path) -> dict[str, int]:
    """The rows of every exported table.

    Raises FormatError for what is no manifest, RegistryError for another version.
    """
    path = folder / "manifest.json"
    if path.is_symlink():
        raise FormatError(f"{path}: a link; put the file itself there")
    try:
        found: object = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise RegistryError(
            f"{folder}: no manifest.json there, so no export; `forebear export DIR` makes one"
        ) from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: is not valid JSON") from error
    rows = found.get("rows") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(rows, dict) or not all(type(n) is int for n in rows.values()):
        raise FormatError(f"{path}: lacks the rows of the tables")
    known = [name for _, name, _ in migrations()]
    if found.get("manifest_version") != MANIFEST_VERSION or found.get("migrations") != known:
        raise RegistryError(
            f"{folder}: exported with another schema ({found.get('migrations')}) than this forebear has ({known});"
            " open the registry that it came from with this version and export it again"
        )
    return rows


def _check_settings(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    mine = dict(connection.table("setting").fetchall())
    theirs = {row["name"]: row["value"] for row in _read(folder / "setting").to_pylist()}
    if mine != theirs:
        raise RegistryError(f"{folder}: its fingerprints were made with {theirs}, those of this registry with {mine}")


def _import(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: dict[str, int]) -> Imported:
    names = [table for table in tables(connection) if table != "setting"]
    counted = sum(require_parts(connection, table, parts(folder / table)) for table in names)
    if counted != (expected := sum(n for table, n in manifest.items() if table != "setting")):
        raise FormatError(
            f"{folder}: holds {counted} rows, its manifest says {expected}: a part is missing; nothing imported"
        )
    models = _read(folder / "model", ["model_id", "uri", "revision"])
    if models["model_id"].null_count:
        raise FormatError(f"{folder}: models without a model_id; nothing was imported")
    known = set(connection.table("model").select("uri", "revision").fetchall())
    pairs = zip(models["uri"].to_pylist(), models["revision"].to_pylist(), strict=True)
    new = np.array([pair not in known for pair in pairs], np.bool_)
    old_ids = models["model_id"].to_numpy()[new].astype(np.int64)
    if not known and len(old_ids) and old_ids.max() > MOST_ID:
        raise FormatError(
            f"{folder}: a model_id of {old_ids.max()} is over the limit of {MOST_ID}; import it into a registry that"
            " holds a model already, which gives new ids"
        )
    ids = _Ids.fresh(connection, old_ids, empty=not known)
    rows, left = 0, []
    for table in names:
        if not (folder / table).exists():
            continue
        if ids.equal or "model_id" in connection.table(table).columns:
            rows += sum(
                _insert(connection, table, ids.renumbered(batch))
                for part in parts(folder / table)
                for batch in checked_batches(part)
            )
        else:
            left.append(table)
        _log.debug("%s: imported", table)
    if ids.equal and not is_lake(connection):
        connection.execute(statement("audit/skip_ids")).fetchall()
    return Imported(folder, len(old_ids), len(models) - len(old_ids), rows, tuple(left))


@dataclass(frozen=True, slots=True)
class _Ids:
    """The ids of exported models, ascending, and what they become here."""

    old: NDArray[np.int64]
    new: NDArray[np.int64]

    @classmethod
    def fresh(cls, connection: duckdb.DuckDBPyConnection, old: NDArray[np.int64], *, empty: bool) -> _Ids:
        """Their own ids for an empty registry, else new ones."""
        old = np.sort(old)
        if empty:
            next_ids(connection, int(old[-1]) if len(old) else 0)
            return cls(old, old)
        return cls(old, np.array(next_ids(connection, len(old)), np.int64))

    @property
    def equal(self) -> bool:
        """Whether every model keeps its id."""
        return self.old is self.new

    def renumbered(self, rows: pa.Table) -> pa.Table:
        """The rows of new models, under their ids here; rows without a model_id as they are."""
        if "model_id" not in rows.column_names or not len(self.old):
            return rows if "model_id" not in rows.column_names else rows.slice(0, 0)
        mine = rows["model_id"].to_numpy().astype(np.int64)
        at = np.minimum(np.searchsorted(self.old, mine), len(self.old) - 1)
        wanted = self.old[at] == mine
        kept = rows.filter(pa.array(wanted))
        column = pa.array(self.new[at[wanted]].astype(np.uint32))
        return kept.set_column(kept.column_names.index("model_id"), "model_id", column)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> int:
    if rows.num_rows:
        connection.from_arrow(rows.select(connection.table(table).columns)).insert_into(table)
    return int(rows.num_rows)


def _read(folder: Path, columns: list[str] | None = None) -> pa.Table:
    files = [str(file) for file in parts(folder)]
    if not files:
        raise FormatError(f"{folder}: holds no {PART}; nothing was imported")
    return ds.dataset(files, format="parquet", exclude_invalid_files=False).to_table(columns=columns)
