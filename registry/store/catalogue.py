"""A registry file may come from a stranger: its catalogue is compared with the one that the migrations make.

Every table must be there as a table with the columns and types of the migrations, every view and macro by its name, and
no macro beyond them: a macro called as a function of DuckDB would stand in its place in every query. Tables and views
of other names are left alone, as no query of forebear asks for them.

Limitations: the texts of views and macros are not compared, as DuckDB 1.5 and 2.0 print the same ones differently. What
a forged one can do is give wrong rows, which forged tables can do as well: files are out of reach (database.py).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import duckdb

from ...ingest.errors import RegistryError
from ...ingest.text import printable
from ...queries.sql import statement

Entry = tuple[str, str, tuple[str, ...]]
"""Kind, name, and the columns with their types or the parameters."""
_MACROS = {"macro", "table_macro"}


def require_catalogue(connection: duckdb.DuckDBPyConnection, place: Path, migrations: tuple[str, ...]) -> None:
    """RegistryError for a catalogue `registry` that is not as the texts of `migrations` make it."""
    stored, made = _entries(connection), _made(migrations)
    if missing := sorted(made - stored):
        kind, name, _ = missing[0]
        raise RegistryError(
            f"{place}: its {kind} {name!r} is missing or is not the one that forebear makes; the file was altered or"
            " made by something else; get it again, or ingest the models into a new registry"
        )
    if added := sorted(entry for entry in stored - made if entry[0] in _MACROS):
        raise RegistryError(
            f"{place}: it has a macro {printable(added[0][1], 80)!r}, which is not forebear's and could change what"
            " queries mean; drop it with duckdb if the file can be trusted"
        )


def _entries(connection: duckdb.DuckDBPyConnection) -> frozenset[Entry]:
    rows = connection.execute(statement("registry/catalogue"), {"database": "registry"}).fetchall()
    return frozenset((kind, name, tuple(holds)) for kind, name, holds in rows)


@cache
def _made(migrations: tuple[str, ...]) -> frozenset[Entry]:
    """What the migrations make in an empty database: 0.1 s, once a process."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS registry")
        connection.execute("USE registry")
        connection.execute(statement("registry/migration_table"))
        for text in migrations:
            if code := _without_comments(text):
                connection.execute(code)
        return _entries(connection)


def _without_comments(text: str) -> str:
    """A migration without its COMMENTs, each a line: they make nothing, and hundreds of them take 0.1 s."""
    lines = [line for line in text.splitlines() if not line.startswith("COMMENT ON ")]
    return "\n".join(lines) if any(line and not line.startswith("--") for line in lines) else ""
