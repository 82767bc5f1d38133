"""Migrations and questions: they apply, they are what was recorded, and DuckDB can plan every one of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from forebear.ingest.errors import RegistryError
from forebear.registry import Registry
from forebear.registry.store.database import migrations, open_database

ROOT = Path(__file__).parent.parent.parent
QUESTIONS = sorted((ROOT / "queries" / "sql").rglob("*.sql"))
TABLES = {"table": "tensor"}
"""Parameters that a plan needs a value for; all others are NULL."""
PARAMETER = re.compile(r"\$([a-z_]\w*)")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with Registry(tmp_path / "registry.duckdb") as registry:
        yield registry.connection


@pytest.fixture
def beside_a_lake(empty: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """An empty registry with what a DuckLake catalogue has of its own."""
    empty.execute("ATTACH ':memory:' AS lake")
    for table in ("migration", "licence", "published_root", "audit_run"):
        empty.execute(f"CREATE TABLE lake.{table} AS FROM registry.{table}")
    empty.execute("CREATE TABLE lake.taken_ids (taken BIGINT); CREATE TABLE lake.taken_runs (taken BIGINT)")
    empty.execute("CREATE MACRO ducklake_options(name) AS TABLE SELECT name AS option_name, name AS value")
    return empty


def code(text: str) -> str:
    """SQL without its comments."""
    return re.sub(r"--[^\n]*", "", text)


@pytest.mark.usefixtures("makes_registries")
def test_all_migrations_apply_to_an_empty_file_and_are_recorded(empty: duckdb.DuckDBPyConnection) -> None:
    recorded = empty.execute("SELECT version, name, sha256 FROM migration ORDER BY version").fetchall()
    assert recorded == [(v, n, hashlib.sha256(t.encode()).hexdigest()) for v, n, t in migrations()]


def test_the_registry_names_the_versions_its_fingerprints_have(empty: duckdb.DuckDBPyConnection) -> None:
    names = {name for (name,) in empty.execute("SELECT name FROM setting").fetchall()}
    assert names == {"fingerprint_version", "minhash_scheme", "minhash_seed", "minhash_permutations"}


@pytest.mark.usefixtures("makes_registries")
def test_opening_again_applies_nothing(tmp_path: Path) -> None:
    stamps = []
    for _ in range(2):
        with Registry(tmp_path / "registry.duckdb") as registry:
            stamps.append(registry.connection.execute("FROM migration ORDER BY version").fetchall())
    assert stamps[0] == stamps[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE migration SET sha256 = 'x' WHERE version = 1", "migration 0001_registry is not the one"),
        ("UPDATE migration SET name = '0001_other' WHERE version = 1", "is not the one"),
        ("INSERT INTO migration (version, name, sha256) VALUES (9999, '9999_future', 'x')", "version 9999, newer than"),
        (
            "UPDATE setting SET value = '0' WHERE name = 'fingerprint_version'",
            "fingerprints have fingerprint_version 0",
        ),
        ("UPDATE setting SET value = 'x' WHERE name = 'minhash_scheme'", "minhash_scheme x"),
        ("DELETE FROM setting WHERE name = 'minhash_seed'", "minhash_seed None"),
        ("DROP TABLE migration", "not a registry"),
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_a_registry_of_another_version_is_refused_with_advice(
    tmp_path: Path, change: str, message: str, read_only: bool
) -> None:
    path = tmp_path / "registry.duckdb"
    Registry(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute(change)
    before = path.read_bytes()
    with pytest.raises(RegistryError, match=message):
        open_database(path, read_only=read_only)
    assert path.read_bytes() == before


def test_a_missing_migration_is_applied_when_written_to_and_asked_for_when_only_read(tmp_path: Path) -> None:
    path = tmp_path / "registry.duckdb"
    Registry(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM migration WHERE version IN (15, 22)")  # both make one macro
        connection.execute("DROP MACRO TABLE known_models; DROP MACRO TABLE sketched; DROP MACRO TABLE nearest")
        connection.execute("DROP MACRO matches_z; DROP MACRO best_log10_p")
    with pytest.raises(RegistryError, match="lacks 0015_ranking"):
        Registry(path, read_only=True)
    with Registry(path) as registry:
        assert registry.connection.execute("FROM undeclared_ancestors").fetchall() == []


@pytest.mark.usefixtures("makes_registries")
def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [*migrations(), (9000, "9000_broken", "CREATE TABLE half (x INTEGER); SELECT nonsense")]
    path = tmp_path / "registry.duckdb"
    with monkeypatch.context() as patch:
        patch.setattr("forebear.registry.store.database.migrations", lambda: broken)
        with pytest.raises(RegistryError, match="cannot be opened"):
            Registry(path)
    with Registry(path) as registry:
        tables = {name for (name,) in registry.connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert "half" not in tables and "model" in tables


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.relative_to(ROOT / "queries" / "sql").as_posix())
def test_duckdb_can_plan_every_question(beside_a_lake: duckdb.DuckDBPyConnection, question: Path) -> None:
    empty = beside_a_lake
    text = question.read_text(encoding="utf-8")
    empty.execute("SET VARIABLE model_id = 1")
    statements = empty.extract_statements(text)
    assert statements
    for statement in statements:
        names = set(PARAMETER.findall(code(statement.query)))
        values = {name: TABLES.get(name) for name in names}
        plan = empty.execute(f"EXPLAIN {code(statement.query)}", values).fetchall()
        assert plan


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.relative_to(ROOT / "queries" / "sql").as_posix())
def test_every_question_says_what_it_answers_and_names_its_parameters(question: Path) -> None:
    text = question.read_text(encoding="utf-8")
    comment = " ".join(line for line in text.splitlines() if line.startswith("--"))
    assert text.startswith("-- ")
    assert {n for n in PARAMETER.findall(code(text)) if f"${n}" not in comment} == set()


@pytest.mark.parametrize(
    "statement",
    [
        "FROM declared_parents",
        "FROM undeclared_ancestors",
        "FROM sketch_pairs(NULL)",
    ],
)
def test_the_macros_answer_on_an_empty_registry(empty: duckdb.DuckDBPyConnection, statement: str) -> None:
    assert empty.execute(statement).fetchall() == []


def test_every_table_of_the_registry_is_emptied_by_a_removal(empty: duckdb.DuckDBPyConnection) -> None:
    rows = empty.execute("SELECT table_name FROM duckdb_columns() WHERE column_name = 'model_id'").fetchall()
    views = {name for (name,) in empty.execute("SELECT view_name FROM duckdb_views()").fetchall()}
    owned = {name for (name,) in rows} - views
    removed = set(
        re.findall(
            r"DELETE FROM (\w+)", (ROOT / "queries" / "sql" / "models" / "remove.sql").read_text(encoding="utf-8")
        )
    )
    assert removed == owned


@pytest.mark.usefixtures("makes_registries")
def test_a_registry_that_was_not_made_whole_is_said_to_be_so_and_finished_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    with Registry(path) as registry:
        registry.connection.execute("DELETE FROM setting")
    with pytest.raises(RegistryError, match="killed while it made this registry"), Registry(path, read_only=True):
        pass
    Registry(path).close()
    with Registry(path, read_only=True) as registry:
        assert not list(registry.models())
