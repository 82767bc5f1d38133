"""`forebear sql` reads the registry, and can neither change it nor reach anything else."""

from __future__ import annotations

import csv
import io
import json
import resource
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forebear.ingest.budget import Limit

from ..conftest import Run


@pytest.fixture(autouse=True)
def untouched(zoo_registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the zoo's registry, which is byte for byte the same after the test, and alone in its folder."""
    place = tmp_path / "sql"
    place.mkdir()
    path = place / "registry.duckdb"
    shutil.copy(zoo_registry, path)
    monkeypatch.setenv("FOREBEAR_REGISTRY", str(path))
    monkeypatch.chdir(place)
    yield path
    assert path.read_bytes() == zoo_registry.read_bytes()
    assert list(place.iterdir()) == [path]


def test_a_query_is_answered_in_every_format(run: Run) -> None:
    query = "SELECT name, parameters, license IS NULL AS free FROM model ORDER BY name LIMIT 2"
    document = json.loads(run("sql", query, "--format", "json").out)
    assert list(document) == ["schema_version", "columns", "rows"]
    assert [column["name"] for column in document["columns"]] == ["name", "parameters", "free"]
    assert document["rows"][0] == {"name": "alder", "parameters": 387600, "free": False}
    assert [json.loads(line) for line in run("sql", query, "--format", "jsonl").out.splitlines()] == document["rows"]
    rows = list(csv.DictReader(io.StringIO(run("sql", query, "--format", "csv").out)))
    assert rows[0] == {"name": "alder", "parameters": "387600", "free": "false"}
    ran = run("sql", query)
    assert ran.out.splitlines()[2].split() == ["alder", "387600", "False"]
    assert "2 rows" in ran.err


def test_values_of_every_type_are_json(run: Run) -> None:
    query = (
        f"SELECT {2**127 - 1}::HUGEINT AS huge, 1.5::DECIMAL(4, 2) AS exact, 'nan'::DOUBLE AS none,"
        " '\\xAA'::BLOB AS bytes, DATE '2026-01-02' AS day, [1, NULL] AS list, {'a': 1} AS struct,"
        " INTERVAL 1 DAY AS span"
    )
    (row,) = json.loads(run("sql", query, "--format", "json").out)["rows"]
    assert row["huge"] == 2**127 - 1
    assert (row["exact"], row["none"], row["bytes"], row["day"]) == (1.5, None, "qg==", "2026-01-02")
    assert (row["list"], row["struct"]) == ([1, None], {"a": 1})


def test_columns_of_one_name_are_all_there(run: Run) -> None:
    assert run("sql", "SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a", "--format", "csv").out == "a,a_3,a_2,a_4\n1,2,3,4\n"


@pytest.mark.parametrize("query", ["SHOW TABLES", "DESCRIBE model", "FROM tensor LIMIT 1", "VALUES (1)", "SELECT 1;"])
def test_what_only_reads_runs(run: Run, query: str) -> None:
    ran = run("sql", query)
    assert ran.code == 0
    assert ran.out


def test_no_rows_still_have_columns(run: Run) -> None:
    assert run("sql", "SELECT name FROM model WHERE false", "--format", "csv").out == "name\n"
    assert run("sql", "SELECT name FROM model WHERE false", "--format", "jsonl").out == ""


WRITES = (
    "DELETE FROM model",
    "DROP TABLE model",
    "UPDATE setting SET value = '9'",
    "CREATE TABLE mine AS SELECT 1",
    "CREATE TEMP TABLE mine AS SELECT 1",
    "CHECKPOINT",
    "USE memory",
    "DETACH registry",
    "SET threads = 1",
    "PRAGMA enable_profiling",
    "LOAD httpfs",
    "INSTALL httpfs",
    "BEGIN",
    "COPY model TO 'out.csv'",
    "COPY (SELECT 1) TO 'registry.duckdb.wal' (FORMAT csv)",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO 'out.csv'",
    "EXPORT DATABASE 'out'",
    "ATTACH 'other.duckdb'",
    "ATTACH 'registry.duckdb' AS again",
    "CALL pragma_version()",
    "PREPARE p AS DELETE FROM model",
)


@pytest.mark.parametrize("query", WRITES)
def test_what_does_more_than_read_is_refused(run: Run, query: str) -> None:
    ran = run("sql", query)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("forebear: error: SQL: ")


def test_a_second_statement_is_refused_before_the_first_runs(run: Run) -> None:
    for query in (
        "SELECT 1; DELETE FROM model",
        "USE memory; DETACH registry; ATTACH 'registry.duckdb' AS w",
        " ",
        "/* nothing */",
    ):
        ran = run("sql", query)
        assert (ran.code, ran.out) == (1, "")
        assert "one statement at a time" in ran.err


@pytest.mark.parametrize(
    "query",
    [
        "FROM read_csv('/etc/passwd')",
        "FROM read_text('/etc/passwd')",
        "FROM read_blob('/etc/passwd')",
        "FROM '/etc/passwd'",
        "FROM glob('/etc/*')",
        "FROM 'https://example.org/x.parquet'",
        "FROM sniff_csv('/etc/passwd')",
        "FROM query('COPY (SELECT 1) TO ''out.csv''')",
    ],
)
def test_files_of_the_machine_are_out_of_reach(run: Run, query: str) -> None:
    ran = run("sql", query)
    assert (ran.code, ran.out) == (1, "")
    assert "root:" not in ran.err


def test_a_value_that_python_cannot_hold_is_a_clear_error(run: Run) -> None:
    ran = run("sql", "SELECT 'infinity'::DATE AS day")
    assert (ran.code, ran.out) == (1, "")
    assert "cast its column to VARCHAR" in ran.err
    assert run("sql", "SELECT 'infinity'::DATE::VARCHAR AS day", "--format", "csv").out == "day\ninfinity\n"


def test_a_mistake_is_told_in_the_words_of_duckdb(run: Run) -> None:
    ran = run("sql", "SELECT nme FROM model")
    assert (ran.code, ran.out) == (1, "")
    assert "nme" in ran.err
    assert "name" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("query", ["FROM range(100000000000)", "SELECT repeat('x', 30000) FROM range(1000000)"])
def test_rows_without_an_end_in_sight_are_refused_while_they_come(
    run: Run, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr("forebear.registry.store.sql.RESULT", Limit(1 << 20, "bytes of rows"))
    ran = run("sql", query)
    assert (ran.code, ran.out) == (1, "")
    assert "are over the limit of 1048576; set FOREBEAR_LIMITS=" in ran.err and "LIMIT" in ran.err


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the memory of a process so")
@pytest.mark.parametrize("query", ["SELECT repeat('x', 3000000000)", "SELECT length(repeat('x', 3000000000))"])
def test_one_value_of_gigabytes_is_refused_before_it_is_made_and_the_limit_ends_with_the_statement(
    run: Run, query: str
) -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    ran = run("sql", query)
    assert ran.code == 1 and "bytes of memory for one statement; set FOREBEAR_LIMITS" in ran.err
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2_000_000  # kilobytes
