"""The DuckDB file: opening, locking, versions, migrations."""

from __future__ import annotations

import hashlib
import logging
import os
import random
import time
from pathlib import Path

import duckdb

from ...ingest.errors import RegistryError, RegistryInUse
from ...ingest.versions import FINGERPRINT_VERSION, MINHASH_PERMUTATIONS, MINHASH_SCHEME, MINHASH_SEED
from ...queries.sql import statement
from .catalogue import require_catalogue
from .lake import PREFIX, LakePlace, attach_lake, create_lake_tables, show_lake_tables
from .transactions import committed, transaction

Place = Path | str
"""Where a registry is: a file, or `ducklake:...` as `lake` tells."""
_log = logging.getLogger(__name__)
_SCHEMA = Path(__file__).parent.parent.parent / "schema"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "dynamic_or_filter_threshold": 1024,  # model ids that zone maps are asked for; beyond 50, 1.5 reads whole tables
    "storage_compatibility_version": "v1.5.0",  # DuckDB 1.5 reads what 2.x wrote; older storage triples FLOAT[n] scans
}
WAIT = 10.0
"""Seconds that a command waits for a registry that another process holds: an ingest lets go of it between models."""
PATIENCE = 600.0
"""Seconds that a batch waits to get back at a file which it let go of: others may be reading it."""
_PAUSE = 0.03
"""Seconds between two tries to open a file that another process holds."""
_ROW_GROUP = 16_384  # 70 models of 32 layers: of the default 122,880 rows a third stays empty after many small commits
_SETTINGS = {
    "fingerprint_version": str(FINGERPRINT_VERSION),
    "minhash_scheme": MINHASH_SCHEME,
    "minhash_seed": str(MINHASH_SEED),
    "minhash_permutations": str(MINHASH_PERMUTATIONS),
}


def migrations() -> list[tuple[int, str, str]]:
    """(version, name, text) of `schema/*.sql`, in order."""
    files = sorted(_SCHEMA.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return [(int(f.name[:4]), f.stem, f.read_text(encoding="utf-8")) for f in files]


def open_database(place: Place, *, read_only: bool, wait: float = 0.0) -> duckdb.DuckDBPyConnection:
    """A connection to the registry at `place`, created and migrated when it is opened for writing.

    Raises RegistryError when another process holds it for longer than `wait` seconds, when it is not a registry, or
    when its schema or its fingerprints are of a version that this forebear does not know.
    """
    if isinstance(place, str):
        return _open_lake(place, read_only)
    began = time.monotonic()
    waited = False
    while True:
        try:
            connection = _open_file(place, read_only)
        except RegistryInUse:
            if time.monotonic() >= began + wait:
                raise
            if not waited:
                _log.info("%s: in use by another process; waiting up to %.0f s", place, wait)
            waited = True
            time.sleep(random.uniform(0.5, 1.5) * _PAUSE)  # waiting processes must not keep step
        else:
            how = "to read" if read_only else "to write"
            _log.debug("%s: opened %s in %.3f s", place, how, time.monotonic() - began)
            return connection


def beside(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Another connection to the same open registry, for another thread: of one connection results would mix."""
    found = connection.cursor()
    found.execute("USE registry")  # neither this nor the next is taken over by a cursor
    found.execute("SET enable_progress_bar = false")
    return found


def _open_file(path: Path, read_only: bool) -> duckdb.DuckDBPyConnection:
    if read_only and not path.exists():
        raise RegistryError(
            f"{path}: no registry there; make one with `forebear ingest SOURCE...`, bring a published one with"
            " `forebear pull SOURCE`, or name one with --registry"
        )
    if not read_only:
        _make_folder(path.parent)
    connection = duckdb.connect(config=_CONFIG)
    try:
        connection.execute("SET enable_progress_bar = false")  # drawn on stderr once a query takes two seconds
        options = (
            "TYPE duckdb, READ_ONLY"
            if read_only
            else f"TYPE duckdb, ROW_GROUP_SIZE {_ROW_GROUP}, STORAGE_VERSION 'v1.5.0'"
        )
        connection.execute(f"ATTACH {_quoted(path)} AS registry ({options})")
        connection.execute("USE registry")
        connection.execute("SET enable_external_access = false")  # a stranger's view could read files; cannot be undone
        _check_schema(connection, path, migrate=not read_only)
        require_catalogue(connection, path, tuple(text for _, _, text in migrations()))
        _check_settings(connection, path, write=not read_only)
    except duckdb.Error as error:
        connection.close()
        raise _explained(path, error) from error
    except RegistryError:
        connection.close()
        raise
    return connection


def _open_lake(place: str, read_only: bool) -> duckdb.DuckDBPyConnection:
    """A database in memory that has the registry's names, and behind them the catalogue's tables."""
    connection = duckdb.connect(config=_CONFIG)
    try:
        connection.execute("ATTACH ':memory:' AS registry")
        connection.execute("USE registry")
        _check_schema(connection, Path(place), migrate=True)
        attach_lake(connection, LakePlace.parse(place), read_only=read_only)
        tables = sorted(_tables(connection, "registry"))
        if not read_only:
            committed(connection, lambda: _fill_lake(connection, tables))
        elif not _tables(connection, "lake"):
            raise RegistryError(f"{place}: no registry there yet; make one with `forebear ingest`")
        wanted = connection.execute(statement("registry/migrations")).fetchall()
        stored = connection.execute(statement("lake/migrations")).fetchall()
        if stored != wanted:
            raise RegistryError(
                f"{place}: its schema ends at {stored[-1:]}, this forebear's at {wanted[-1:]}; export it with the"
                " version that made it and import that export into a registry file, which migrates"
            )
        show_lake_tables(connection, tables)
        _check_settings(connection, place, write=not read_only)
    except duckdb.Error as error:
        connection.close()
        raise RegistryError(f"{place}: cannot be opened as a registry: {error}") from error
    except RegistryError:
        connection.close()
        raise
    return connection


def _fill_lake(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> None:
    """Make the tables of an empty catalogue, with the record of the migrations and the first id."""
    if not _tables(connection, "lake"):
        create_lake_tables(connection, tables)
        connection.execute(statement("lake/begin"))


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RegistryError(
            f"{folder}: cannot be created: {error.strerror}; name another place with --registry"
        ) from error


def _explained(path: Path, error: duckdb.Error) -> RegistryError:
    text = str(error)
    if "Conflicting lock" in text or "Could not set lock" in text:
        holder = text[text.find("held in") :].split(". See")[0] if "held in" in text else "another process holds it"
        return RegistryInUse(
            f"{path}: in use: {holder}. An ingest lets others at it between two models, an audit while it computes, so"
            " try again. Either can be stopped: nothing that it reported is lost, and it goes on when it is started"
            f" again. To read meanwhile, read a snapshot: a copy of the file, and of {path.name}.wal if there is one,"
            " taken while nothing is written"
        )
    if "storage version of an existing database cannot be lowered" in text:
        return RegistryError(f"{path}: a DuckDB file, but not a registry; name another place with --registry")
    if "newer" in text or "version number" in text:
        return RegistryError(f"{path}: written by a newer DuckDB than {duckdb.__version__}; upgrade duckdb ({text})")
    return RegistryError(f"{path}: cannot be opened as a registry: {text}")


def _tables(connection: duckdb.DuckDBPyConnection, database: str = "registry") -> set[str]:
    rows = connection.execute(statement("models/tables"), {"database": database}).fetchall()
    return {name for (name,) in rows}


def _check_schema(connection: duckdb.DuckDBPyConnection, path: Path, *, migrate: bool) -> None:
    """Apply the migrations that are missing, each with its record in one transaction, and all of a new file in one."""
    tables = _tables(connection)
    if tables and "migration" not in tables:
        raise RegistryError(f"{path}: a DuckDB file, but not a registry; name another place with --registry")
    applied: dict[int, tuple[str, str]] = {}
    if tables:
        rows = connection.execute(statement("registry/migrations")).fetchall()
        applied = {version: (name, digest) for version, name, digest in rows}
    known = migrations()
    unknown = sorted(set(applied) - {version for version, _, _ in known})
    if unknown:
        raise RegistryError(f"{path}: its schema has version {unknown[-1]}, newer than this forebear; upgrade forebear")
    new: list[tuple[int, str, str, str]] = []
    for version, name, text in known:
        digest = hashlib.sha256(text.encode()).hexdigest()
        if version in applied:
            if applied[version] != (name, digest):
                raise RegistryError(
                    f"{path}: migration {name} is not the one this forebear has; use the matching version"
                )
        elif not migrate:
            raise RegistryError(
                f"{path}: its schema lacks {name}; open it once for writing, for instance with"
                " `forebear ingest --refresh`"
            )
        else:
            new.append((version, name, text, digest))
    for together in [[one] for one in new] if tables else [new]:
        with transaction(connection):
            connection.execute(statement("registry/migration_table"))
            for version, name, text, digest in together:
                connection.execute(text)
                record = {"version": version, "name": name, "sha256": digest}
                connection.execute(statement("registry/note_migration"), record)
        if tables:
            _log.info("%s: migrated to %s", path, together[0][1])


def _check_settings(connection: duckdb.DuckDBPyConnection, place: Place, *, write: bool) -> None:
    """Fingerprints of two versions are never compared."""
    if write:
        committed(connection, lambda: _first_settings(connection))
    stored = dict(connection.execute(statement("registry/settings")).fetchall())
    if not stored:
        raise RegistryError(
            f"{place}: a process was killed while it made this registry, which holds no model yet; whatever writes to"
            " it finishes it: run `forebear ingest` or `forebear pull` again"
        )
    for name, value in _SETTINGS.items():
        if stored.get(name) != value:
            raise RegistryError(
                f"{place}: its fingerprints have {name} {stored.get(name)}, this forebear makes {value};"
                " ingest the models again into a new registry, or use the matching version"
            )


def _first_settings(connection: duckdb.DuckDBPyConnection) -> None:
    if not connection.execute(statement("registry/settings")).fetchall():
        for name, value in _SETTINGS.items():
            connection.execute(statement("registry/keep_setting"), {"name": name, "value": value})


def registry_place(named: str | Path | None) -> Place:
    """The registry of that name: a file, or a `ducklake:` catalogue.

    Without one `$FOREBEAR_REGISTRY`, or registry.duckdb in the user's data folder.
    """
    from platformdirs import user_data_path

    named = named or os.environ.get("FOREBEAR_REGISTRY") or user_data_path("forebear") / "registry.duckdb"
    return named if isinstance(named, str) and named.startswith(PREFIX) else Path(named).expanduser()
