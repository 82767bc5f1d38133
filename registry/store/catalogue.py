"""A registry file may come from a stranger: its catalogue is compared with the one that the migrations make.

Every table must be there as a table with the columns and types of the migrations, every view and macro by its name, and
no macro beyond them: a macro called as a function of DuckDB would stand in its place in every query. Tables and views
of other names are left alone, as no query of forebear asks for them.

A view or a macro that has other words than the migrations give it is bound, which asks it for nothing: one that reads
a file is refused by DuckDB then, as files are out of reach (database.py), and not in the middle of a question.

A catalogue with one of the digests in `catalogue.txt` beside this is known to be right, without the 0.1 s that making
one to compare with takes. That file is made by `python -m docs.make_catalogue`, under each version of DuckDB.

Limitations: another text may give wrong rows, which forged tables can do as well. It is no error by itself, as DuckDB
1.5 and 2.0 print the same text differently.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence, Set
from functools import cache
from pathlib import Path

import duckdb

from ...ingest.errors import RegistryError
from ...ingest.text import printable
from ...queries.sql import statement

Entry = tuple[str, str, tuple[str, ...]]
"""Kind, name, and the columns with their types or the parameters."""
Text = tuple[str, str, tuple[str, ...]]
"""Kind, name, and the sorted words of a view or macro."""
Row = tuple[str, str, list[str], str | None]
"""Kind, name, columns or parameters, and the text of a view or macro."""
KNOWN = Path(__file__).with_name("catalogue.txt")
_MACROS = {"macro", "table_macro"}
_OURS = {"database": "registry"}


def require_catalogue(connection: duckdb.DuckDBPyConnection, place: Path, migrations: tuple[str, ...]) -> None:
    """RegistryError for a catalogue `registry` that is not as the texts of `migrations` make it."""
    rows = _rows(connection)
    stored = _entries(rows)
    if digest(stored, _texts(rows)) in _known():
        return
    made, texts = made_by(migrations)
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
    names = {name for _, name, _ in made}
    for kind, name, holds, text in sorted(rows):
        if text is not None and name in names and (kind, name, _words(text)) not in texts:
            _bind(connection, kind, name, len(holds))


def _bind(connection: duckdb.DuckDBPyConnection, kind: str, name: str, arguments: int) -> None:
    """Have DuckDB resolve what a view or macro names, without a row of it. Raises duckdb.Error where it may not."""
    if kind == "view":
        connection.view(name)
    elif kind == "table_macro":
        connection.table_function(name, [None] * arguments)
    else:
        nothing = [duckdb.ConstantExpression(None)] * arguments
        connection.table("setting").select(duckdb.FunctionExpression(name, *nothing))


def _rows(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    return connection.execute(statement("registry/catalogue"), _OURS).fetchall()


def _entries(rows: Sequence[Row]) -> frozenset[Entry]:
    return frozenset((kind, name, tuple(holds)) for kind, name, holds, _ in rows)


def _texts(rows: Sequence[Row]) -> frozenset[Text]:
    return frozenset((kind, name, _words(text)) for kind, name, _, text in rows if text is not None)


def digest(entries: Set[Entry], texts: Set[Text]) -> str:
    """SHA-256, in hexadecimal, of a catalogue."""
    return hashlib.sha256(repr((sorted(entries), sorted(texts))).encode()).hexdigest()


@cache
def _known() -> frozenset[str]:
    lines = (line.split() for line in KNOWN.read_text("utf-8").splitlines() if not line.startswith("#"))
    return frozenset(words[0] for words in lines if words)


@cache
def made_by(migrations: tuple[str, ...]) -> tuple[frozenset[Entry], frozenset[Text]]:
    """What the migrations make in an empty database, and its (kind, name, words): 0.1 s, once a process."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS registry")
        connection.execute("USE registry")
        connection.execute(statement("registry/migration_table"))
        for text in migrations:
            if code := _without_comments(text):
                connection.execute(code)
        rows = _rows(connection)
        return _entries(rows), _texts(rows)


def _words(text: str) -> tuple[str, ...]:
    """The words of a definition, sorted: DuckDB prints those of an EXCLUDE in any order. A file's name is a new one."""
    return tuple(sorted(re.findall(r"\w+", text)))


def _without_comments(text: str) -> str:
    """A migration without its COMMENTs, each a line: they make nothing, and hundreds of them take 0.1 s."""
    lines = [line for line in text.splitlines() if not line.startswith("COMMENT ON ")]
    return "\n".join(lines) if any(line and not line.startswith("--") for line in lines) else ""
