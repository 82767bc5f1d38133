"""Registries and exports of strangers: one that is right, changed at random in values, catalogue or files."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from forebear.ingest.errors import ForebearError
from forebear.registry import AuditOptions, Registry

SECRET = "s3cret-of-the-host"
KEPT = ("model", "tensor", "positions", "gram", "minhash", "bounds", "vector", "token_row", "tokenizer", "sketch",
        "activation", "activation_sketch", "skipped_tensor", "file", "declared_parent", "setting", "audit_run",
        "known_root", "recipe", "recipe_parent", "part", "remote_fingerprint", "pulled_part", "hub", "adapter",
        "licence")  # fmt: skip
_TEXTS = ("", "x" * 4000, "'; DROP TABLE model; --", "\x1b[31m", "cedar", "[1, 2]", '{"a": 1}', "file:///etc/passwd",
          "ducklake:x", "org/name", "1e999", "\u202e", "alder", "language", "embed")  # fmt: skip
_WHOLE = (0, 1, -1, 2, 255, 65535, 65536, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
_FLOATS = (0.0, 1.0, -1.0, 1e-30, 1e30, -3e38, 0.999, float("inf"), float("nan"))


def literal(rng: random.Random, kind: str) -> str:
    """A value of SQL for a column of type `kind`: at a limit, of another type, or nothing."""
    if rng.random() < 0.08:
        return "NULL"
    if kind.endswith("]"):
        inner, _, count = kind[:-1].rpartition("[")
        length = int(count or rng.choice((0, 1, 64, 5000)))
        if rng.random() < 0.5:
            return f"[{', '.join([literal(rng, inner)] * length)}]::{kind}"
        signs = f"CAST(CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END AS {inner})"
        return f"list_transform(range({length}), lambda i: {signs})::{kind}"
    if kind in ("FLOAT", "DOUBLE"):
        return f"'{rng.choice(_FLOATS)}'::{kind}"
    if kind in ("VARCHAR",):
        return "'" + rng.choice(_TEXTS).replace("'", "''") + "'"
    if kind == "BIT":
        return f"repeat('{rng.choice('01')}', {rng.choice((1, 7, 2048, 1 << 16))})::BIT"
    if kind == "BLOB":
        return f"repeat('{rng.choice('aZ')}', {rng.choice((0, 1, 49152, 1 << 20))})::BLOB"
    if kind == "BOOLEAN":
        return rng.choice(("true", "false"))
    if kind == "TIMESTAMP":
        return rng.choice(("'infinity'", "'-infinity'", "'1700-01-01'", "'9999-12-31'")) + "::TIMESTAMP"
    return f"TRY_CAST({rng.choice(_WHOLE)} AS {kind})"


def statement(rng: random.Random, columns: dict[str, dict[str, str]], secret: Path) -> str:
    """One change of a registry's file, as whoever has DuckDB can make it."""
    table = rng.choice([name for name in KEPT if name in columns])
    column, kind = rng.choice(sorted(columns[table].items()))
    where = rng.choice(("", f"WHERE hash(rowid) % 3 = {rng.randrange(3)}", "WHERE rowid = 0"))
    other = rng.choice(sorted(columns))
    read = f"SELECT content FROM read_text('{secret}')"
    return rng.choice(
        (
            *[f"UPDATE {table} SET {column} = {literal(rng, kind)} {where}"] * 6,
            *[f"UPDATE {table} SET {column} = (SELECT {column} FROM {table} LIMIT 1) {where}"] * 2,
            f"DELETE FROM {table} {where}",
            f"INSERT INTO {table} FROM {table}",
            f"INSERT INTO {table} SELECT t.* REPLACE (TRY_CAST(99 AS {kind}) AS {column}) FROM {table} AS t",
            f"ALTER TABLE {table} DROP COLUMN {column}",
            f"ALTER TABLE {table} ALTER {column} TYPE VARCHAR",
            f"CREATE OR REPLACE VIEW {other} AS {read}",
            f"CREATE OR REPLACE VIEW model_row AS SELECT m.* REPLACE (({read}) AS name) FROM model AS m",
            "CREATE OR REPLACE MACRO ancestors(query_name, k := 10) AS TABLE " + read,
            f"CREATE OR REPLACE MACRO component_kind(component) AS ({read})",
            f"CREATE OR REPLACE MACRO tree_run() AS ({read})",
            f"CREATE MACRO {rng.choice(('abs', 'sum', 'hash', 'lower'))}(a) AS ({read})",
        )
    )  # fmt: skip


def columns_of(path: Path) -> dict[str, dict[str, str]]:
    """Table -> column -> type of a registry."""
    with duckdb.connect(path, read_only=True) as connection:
        rows = connection.execute("SELECT table_name, column_name, data_type FROM duckdb_columns()").fetchall()
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found


def forge_file(seed: int, good: Path, path: Path, secret: Path) -> list[str]:
    """A copy of `good` at `path` after one to four changes, of which those that DuckDB refuses are left out."""
    rng = random.Random(seed)
    shutil.copy(good, path)
    columns = columns_of(path)
    made = []
    with duckdb.connect(path) as connection:
        for _ in range(rng.choice((1, 1, 2, 3, 4))):
            text = statement(rng, columns, secret)
            with suppress(duckdb.Error):
                connection.execute(text)
                made.append(text[:300])
    return made


def forge_export(seed: int, good: Path, folder: Path, secret: Path) -> list[str]:
    """A copy of the export `good` at `folder` with one to three of its files changed."""
    rng = random.Random(seed)
    shutil.copytree(good, folder)
    made = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        part = rng.choice(sorted(folder.rglob("*.parquet")))
        change = rng.choice((*[_column] * 6, _bytes, _bytes, _link, _link, _manifest, _twice, _gone))
        made.append(f"{change.__name__} {part.relative_to(folder)}: {change(rng, folder, part, secret)}")
        if not any(folder.rglob("*.parquet")):
            break
    return made


def _column(rng: random.Random, folder: Path, part: Path, secret: Path) -> str:
    """One column with values of DuckDB's making, of its type or of another."""
    if part.is_symlink():
        return ""
    with duckdb.connect() as connection, suppress(duckdb.Error, pa.ArrowException):
        rows = connection.read_parquet(str(part), hive_partitioning=False)
        kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
        column, kind = rng.choice(sorted(kinds.items()))
        value = literal(rng, rng.choice((kind, kind, kind, "VARCHAR", "DOUBLE[]")))
        rows.create_view("part")
        text = f"SELECT * REPLACE (CASE WHEN {rng.choice(('true', 'rowid % 2 = 0'))} THEN {value} ELSE {column} END"
        query = f"{text} AS {column}) FROM (SELECT *, row_number() OVER () AS rowid FROM part)"
        table = connection.sql(f"SELECT * EXCLUDE (rowid) FROM ({query})").to_arrow_table()
        pq.write_table(table, part)
        return f"{column} = {value[:80]}"
    return ""


def _bytes(rng: random.Random, folder: Path, part: Path, secret: Path) -> str:
    data = bytearray(part.read_bytes())
    for _ in range(rng.choice((1, 4, 64))):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    part.unlink()
    part.write_bytes(data[: rng.choice((len(data), len(data), max(0, len(data) - 7)))])
    return f"{len(data)} bytes"


def _link(rng: random.Random, folder: Path, part: Path, secret: Path) -> str:
    """A link to a file of the host, which is even one of a table."""
    target = rng.choice((secret, secret.with_suffix(".parquet")))
    part.unlink()
    os.symlink(target, part)
    return f"-> {target.name}"


def _manifest(rng: random.Random, folder: Path, part: Path, secret: Path) -> str:
    path = folder / "manifest.json"
    if path.is_symlink() or not path.exists():
        return ""
    found = json.loads(path.read_text())
    table = rng.choice(sorted(found["rows"]))
    if rng.random() < 0.5:
        found["rows"][rng.choice((table, "../secret", "x; DROP"))] = rng.choice((0, -1, 1 << 70, 3))
        path.write_text(json.dumps(found))
    else:
        path.write_text(rng.choice(("[]", "{}", "[" * 90_000, '{"rows": {"model": 1e999}}', "\x00")))
    return table


def _twice(rng: random.Random, folder: Path, part: Path, secret: Path) -> str:
    shutil.copy(part, part.with_name(f"again-{part.name}"), follow_symlinks=False)
    return ""


def _gone(rng: random.Random, folder: Path, part: Path, secret: Path) -> str:
    part.unlink()
    return ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the questions to a forged registry came to: everything that was said, and what was said of an ancestor."""

    said: str
    verdicts: tuple[str, ...]


def ask_all(path: Path, query: Path, *, read_only: bool) -> Asked:
    """Every question that a person asks of a registry; an error of forebear's own is an answer, any other is raised."""
    said: list[str] = []
    verdicts: list[str] = []

    def ask(question: Callable[[], object]) -> object:
        try:
            found = question()
        except ForebearError as error:
            said.append(str(error))
            return None
        said.append(repr(found))
        return found

    opened = ask(lambda: Registry(path, read_only=read_only))
    if not isinstance(opened, Registry):
        return Asked("\n".join(said), ())
    with opened as registry:
        models = ask(registry.models)
        names = [m.name for m in models] if isinstance(models, Iterable) else []
        for name in (*names[:3], "alder"):
            ask(partial(registry.details, name))
        for spec in (query, *names[:2]):
            report = ask(partial(registry.ancestors, spec))
            if report is not None and spec is query:
                verdicts += [part.verdict for part in report.components]  # type: ignore[attr-defined]
                said.append(str(report.rows()))  # type: ignore[attr-defined]
        ask(lambda: registry.compare("alder", "birch"))
        ask(lambda: registry.export(path.with_name("exported")))
        if not read_only:
            ask(lambda: registry.audit(AuditOptions()))
    shutil.rmtree(path.with_name("exported"), ignore_errors=True)
    return Asked("\n".join(said), tuple(verdicts))
