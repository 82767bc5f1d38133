"""SQL from people, on a registry that it can read and nothing else.

A read-only connection alone is not enough. External access that is switched off still lets SQL at the registry's own
file and write-ahead log: `DETACH registry; ATTACH '...'` made it writable and `COPY ... TO '...wal'` broke it
(DuckDB 2.0.0). So only statements that DuckDB itself calls SELECT run: FROM, WITH, VALUES, SHOW, DESCRIBE, SUMMARIZE.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from ...ingest.budget import FACTOR, Limit, allowed, beyond
from ...ingest.errors import RegistryError
from .database import WAIT, Place, open_database
from .lake import data_folder
from .memory import bounded
from .transactions import is_lake

RESULT = Limit(256 << 20, "bytes of rows that one statement gives")
"""The positions of 250,000 tensors; as Python values, which the table and JSON need, they take several times more."""
_BATCH = 1 << 11
"""Rows that are taken at once, a vector of DuckDB's: of long values a larger batch alone would be too much."""
MEMORY = Limit(2 << 30, "bytes of memory for one statement")
"""`SELECT repeat('x', 3000000000)` would take 7 GB."""


def run_sql(place: Place, statement: str, *, rows: int | None = None, megabytes: int | None = None) -> pa.Table:
    """The result of one statement; columns of one name are told apart by a number behind it.

    At most `rows` rows are taken, and `megabytes` of memory with no file to spill to; without them all rows, and MEMORY
    bytes where the system can bound them. Raises RegistryError for anything that is not one SELECT, for one that takes
    more, and with DuckDB's own words for one that fails.
    """
    connection = open_database(place, read_only=True, wait=WAIT)
    try:
        if is_lake(connection):
            connection.execute("SET allowed_directories = $folders", {"folders": [data_folder(connection)]})
        if megabytes is not None:
            connection.execute("SET memory_limit = $limit", {"limit": f"{megabytes}MB"})
            connection.execute("SET threads = 1")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        _check(connection, statement)
        with bounded(allowed(MEMORY)):
            asked = connection.sql(statement)
            found = _collected(asked if rows is None else asked.limit(rows))
    except (duckdb.Error, pa.ArrowException, OSError, MemoryError) as error:
        raise RegistryError(f"SQL: {_said(error, megabytes)}") from error
    finally:
        connection.close()
    return found.rename_columns(_distinct(found.column_names))


def _said(error: Exception, megabytes: int | None) -> str:
    """What was wrong: the limit on memory, which Arrow reports in DuckDB's words too, or else the error's words."""
    short = isinstance(error, (MemoryError, duckdb.OutOfMemoryException)) or "Out of Memory" in str(error)
    if not short or megabytes is not None:
        return str(error)
    return f"more than {allowed(MEMORY)} {MEMORY.unit}; set {FACTOR} to a larger number to allow more"


def _collected(asked: duckdb.DuckDBPyRelation) -> pa.Table:
    """All rows; RegistryError once they take more than their limit: `FROM range(100000000000)` has no end in sight."""
    taken, batches = 0, []
    with asked.to_arrow_reader(_BATCH) as reader:
        for batch in reader:
            taken += batch.nbytes
            if message := beyond(RESULT, taken):
                raise RegistryError(f"SQL: {message}, or ask for fewer rows with LIMIT, or for sums of them")
            batches.append(batch)
        return pa.Table.from_batches(batches, reader.schema)


def rows_of(found: pa.Table) -> list[dict[str, object]]:
    """The rows as Python values. Raises RegistryError for a value that Python cannot hold, such as an infinite date."""
    try:
        rows: list[dict[str, object]] = found.to_pylist()
    except (ValueError, OverflowError, pa.ArrowException) as error:
        raise RegistryError(f"SQL: a value cannot be shown ({error}); cast its column to VARCHAR") from error
    return rows


def _check(connection: duckdb.DuckDBPyConnection, statement: str) -> None:
    found = connection.extract_statements(statement)
    if len(found) != 1:
        raise RegistryError(f"SQL: one statement at a time; this has {len(found)}")
    if found[0].type != duckdb.StatementType.SELECT:
        raise RegistryError(
            f"SQL: {found[0].type.name} is refused, `forebear sql` only reads: SELECT, FROM, WITH, SHOW, DESCRIBE."
            " For the rest open the file with duckdb"
        )


def _distinct(names: list[str]) -> list[str]:
    """Names in which none repeats: `a, a` becomes `a, a_2`."""
    found: list[str] = []
    for name in names:
        count = 1
        distinct = name
        while distinct in found or (count > 1 and distinct in names):
            count += 1
            distinct = f"{name}_{count}"
        found.append(distinct)
    return found
