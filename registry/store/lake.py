"""A registry in a DuckLake catalogue, for several processes on several machines that ingest at once.

A place is written `ducklake:CATALOGUE[?data=FOLDER]`, such as `ducklake:/srv/lake.ducklake` or
`ducklake:postgres:dbname=lake host=db?data=/srv/forebear`. The catalogue (PostgreSQL for several writers, a DuckDB file
for one process at a time) keeps what there is, Parquet files in the folder keep the rows. Views of the registry's names
give bit strings and fixed arrays, which DuckLake lacks, back their types, so that every query is the same; a
transaction writes to the catalogue's tables.

Limitations: needs the extra `forebear[lake]`, whose extensions are built for DuckDB 1.5.5 alone. A query reads Parquet,
which is slower than a registry file: `forebear export` and `import` make one of the other.
"""

from __future__ import annotations

import importlib.util
import random
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
from duckdb import ColumnExpression

from ...ingest.errors import RegistryError
from ...queries.sql import statement

PREFIX = "ducklake:"
_RETRIES = 100
"""Of DuckLake itself, for commits that raced and do not contradict each other."""
_FIRST_TRIES = 20
"""Of writers that make a catalogue's tables in the same moment one succeeds; the others find them a moment later."""


@dataclass(frozen=True, slots=True)
class LakePlace:
    """A catalogue as DuckLake names it, and the folder of its Parquet files where a new one needs it."""

    catalogue: str
    data: str | None

    @classmethod
    def parse(cls, place: str) -> LakePlace:
        """The parts of `ducklake:CATALOGUE[?data=FOLDER]`; RegistryError for a place without a catalogue."""
        catalogue, mark, data = place.removeprefix(PREFIX).partition("?data=")
        if not catalogue or (mark and not data):
            raise RegistryError(f"{place}: write ducklake:CATALOGUE or ducklake:CATALOGUE?data=FOLDER")
        return cls(catalogue, data or None)

    @property
    def is_postgres(self) -> bool:
        """Whether the catalogue lives in PostgreSQL."""
        return self.catalogue.startswith("postgres:")


def attach_lake(connection: duckdb.DuckDBPyConnection, place: LakePlace, *, read_only: bool) -> None:
    """Attach the catalogue as `lake`.

    Raises RegistryError without the extensions, and for a catalogue that cannot be reached.
    """
    _load(connection, "ducklake")
    if place.is_postgres:
        _load(connection, "postgres_scanner")
    connection.execute("SET ducklake_max_retry_count = $retries", {"retries": _RETRIES})
    options = [f"DATA_PATH {_quoted(place.data)}"] if place.data else []
    options += ["READ_ONLY"] if read_only else []
    listed = f" ({', '.join(options)})" if options else ""
    attach = f"ATTACH {_quoted(PREFIX + place.catalogue)} AS lake{listed}"
    for attempt in range(_FIRST_TRIES):
        try:
            connection.execute(attach)
            return
        except duckdb.Error as error:
            if attempt == _FIRST_TRIES - 1 or "initialize DuckLake" not in str(error):
                raise RegistryError(
                    f"{PREFIX}{place.catalogue}: the catalogue cannot be opened: {error}"
                    " (a new one in PostgreSQL needs ?data=FOLDER)"
                ) from error
            time.sleep(random.uniform(0, 0.5))


def create_lake_tables(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> None:
    """Make the catalogue's tables with the columns of those in `registry`; the caller has begun a transaction."""
    for table in tables:
        relation = connection.table(f"registry.main.{table}")
        columns = [
            ColumnExpression(name).cast(stored_type(str(kind))).alias(name)
            for name, kind in zip(relation.columns, relation.types, strict=True)
        ]
        relation.select(*columns).limit(0).create(f"lake.main.{table}")


def show_lake_tables(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> None:
    """Put a view of the catalogue's table, with the registry's types, where each (empty) table of `registry` is."""
    types = {table: connection.table(f"registry.main.{table}") for table in tables}
    wanted = {table: list(zip(r.columns, map(str, r.types), strict=True)) for table, r in types.items()}
    for table, columns in wanted.items():
        connection.execute(f"DROP TABLE registry.main.{table}")
        stored = connection.table(f"lake.main.{table}")
        if sorted(stored.columns) != sorted(name for name, _ in columns):
            raise RegistryError(f"lake.{table}: has columns {stored.columns}, this forebear knows {columns}")
        stored.select(*(ColumnExpression(name).cast(kind).alias(name) for name, kind in columns)).create_view(table)


def data_folder(connection: duckdb.DuckDBPyConnection) -> str:
    """The folder of the catalogue's Parquet files."""
    return str(connection.execute(statement("lake/data_folder")).fetchall()[0][0])


def stored_type(kind: str) -> str:
    """The type of DuckLake that holds a type of the registry.

    >>> stored_type("BIT"), stored_type("FLOAT[256]"), stored_type("UBIGINT[]")
    ('BLOB', 'FLOAT[]', 'UBIGINT[]')
    """
    if kind == "BIT":
        return "BLOB"
    return kind[: kind.rindex("[")] + "[]" if kind.endswith("]") else kind


def _load(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension from its package on the index; nothing is fetched."""
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    if package is None or package.origin is None:
        raise RegistryError(f"a DuckLake registry needs the extension {name}: pip install 'forebear[lake]'")
    folder = Path(package.origin).parent / "extensions" / f"v{duckdb.__version__}"
    if not folder.is_dir():
        raise RegistryError(
            f"the extension {name} is not built for DuckDB {duckdb.__version__}; pip install 'forebear[lake]' has one"
        )
    connection.execute(f"LOAD {_quoted(str(folder / f'{name}.duckdb_extension'))}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
