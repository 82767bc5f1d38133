"""The stable layer: what stands in the schema `public` keeps its columns, and answers without forebear."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from forebear.ingest.errors import RegistryError
from forebear.registry import Registry
from forebear.registry.store.database import migrations

GOLDEN = Path(__file__).with_name("public_columns.txt")
ZOO = Path(__file__).parent.parent / "zoo" / "models"
COLUMNS = """
    SELECT table_name || '.' || column_name || ' ' || data_type
    FROM duckdb_columns() WHERE schema_name = 'public' AND database_name = current_database()
    ORDER BY table_name, column_index"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("public") / "registry.duckdb"
    with Registry(path) as opened:
        opened.ingest(ZOO / "alder", ZOO / "alder-docs", ZOO / "birch")
    return path


@pytest.fixture
def alone(registry: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file opened by DuckDB alone."""
    with duckdb.connect(str(registry), read_only=True) as connection:
        yield connection


def columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [line for (line,) in connection.execute(COLUMNS).fetchall()]


def test_the_stable_layer_has_the_columns_that_were_promised(alone: duckdb.DuckDBPyConnection) -> None:
    promised = GOLDEN.read_text(encoding="utf-8").splitlines()
    stored = columns(alone)
    assert [line for line in promised if line not in stored] == [], "a promised column is gone or has another type"
    assert stored == promised, "new columns come at the end of their view; add them to public_columns.txt"


def test_a_column_that_is_taken_away_is_noticed(registry: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(registry.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute("CREATE OR REPLACE VIEW public.files AS SELECT path, size FROM main.file")
        assert "files.sha256 VARCHAR" not in columns(connection)


def test_every_view_of_the_stable_layer_answers(alone: duckdb.DuckDBPyConnection) -> None:
    views = [
        name
        for (name,) in alone.execute("SELECT view_name FROM duckdb_views() WHERE schema_name = 'public'").fetchall()
    ]
    assert len(views) == 15
    for view in views:
        alone.execute(f"FROM public.{view}").fetchall()
    assert alone.execute("FROM public.models SELECT count(*)").fetchall() == [(3,)]
    assert alone.execute("FROM public.tensors SELECT count(DISTINCT model)").fetchall() == [(3,)]


def test_the_stable_layer_reads_nothing_of_its_own_names_through_main(alone: duckdb.DuckDBPyConnection) -> None:
    """Under another name, as in a file that is attached beside others, the views are the same."""
    text = next(text for _, name, text in migrations() if name == "0021_public")
    assert not re.findall(r"\b(?:FROM|JOIN) (?!main\.|public\.)\w+", re.sub(r"--[^\n]*|COMMENT ON[^\n]*", "", text))


def test_views_answer_in_a_file_that_is_attached_under_another_name(registry: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{registry}' AS other (READ_ONLY)")
        assert connection.execute("FROM other.public.models SELECT count(*)").fetchall() == [(3,)]


@pytest.mark.parametrize("macro", ["public.ancestors", "public.nearest", "ancestors", "nearest", "sketched"])
def test_a_name_that_no_model_has_is_an_error(alone: duckdb.DuckDBPyConnection, macro: str) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="no model is called nobody"):
        alone.execute(f"FROM {macro}('nobody')").fetchall()
    assert alone.execute(f"FROM {macro}('alder-docs')").fetchall()


def test_the_macros_of_the_stable_layer_are_those_of_main(alone: duckdb.DuckDBPyConnection) -> None:
    for macro in ("ancestors", "nearest"):
        asked = [alone.execute(f"FROM {at}.{macro}('alder-docs', k := 1)").fetchall() for at in ("main", "public")]
        assert asked[0] == asked[1] and len(asked[0]) == 1


def test_a_registry_without_the_stable_layer_is_refused(registry: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(registry.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute("DROP VIEW public.models")
    with pytest.raises(RegistryError, match=r"its view 'public\.models' is missing"):
        Registry(copy, read_only=True)


def test_duckdb_alone_reads_it_in_a_process_that_has_no_forebear(registry: Path) -> None:
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True);"
        "print(c.execute(\"FROM public.ancestors('alder-docs', k := 1) SELECT name\").fetchall(),"
        " any(name.startswith('forebear') for name in sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(registry)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[('alder',)] False"
