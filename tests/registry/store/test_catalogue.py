"""A registry file of a stranger is refused where its catalogue is not forebear's, and reads no file in any case."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from docs.make_catalogue import page
from forebear.registry import Registry, RegistryError
from forebear.registry.store import catalogue
from forebear.registry.store.database import migrations


def altered(path: Path, *changes: str) -> Path:
    """A registry that somebody changed with DuckDB itself."""
    Registry(path).close()
    with duckdb.connect(path) as connection:
        for change in changes:
            connection.execute(change)
    return path


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            ("ALTER TABLE model RENAME TO m", "CREATE VIEW model AS SELECT m.*, r.content FROM m, read_text('x') AS r"),
            "model",
        ),
        (("DROP TABLE licence", "CREATE VIEW licence AS SELECT content FROM read_text('/etc/passwd')"), "licence"),
        (("DROP TABLE skipped_tensor",), "skipped_tensor"),
        (("ALTER TABLE positions ALTER value TYPE FLOAT[]",), "positions"),
        (("CREATE OR REPLACE MACRO ancestors(x) AS TABLE SELECT x",), "ancestors"),
        (("CREATE MACRO contains(a, b) AS true",), "contains"),
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_a_catalogue_that_the_migrations_do_not_make_is_refused(
    tmp_path: Path, changes: tuple[str, ...], named: str, read_only: bool
) -> None:
    path = altered(tmp_path / "theirs.duckdb", *changes)
    with pytest.raises(RegistryError, match=named):
        Registry(path, read_only=read_only)


def test_tables_and_views_of_other_names_are_left_alone(tmp_path: Path) -> None:
    path = altered(tmp_path / "mine.duckdb", "CREATE TABLE note (text VARCHAR)", "CREATE VIEW recent AS FROM model")
    with Registry(path) as registry:
        assert registry.models() == []


@pytest.mark.parametrize(
    "change",
    [
        "CREATE OR REPLACE VIEW model_row AS SELECT m.* REPLACE ((SELECT content FROM read_text($1)) AS name)"
        " FROM model AS m",
        "CREATE OR REPLACE MACRO component_kind(component) AS (SELECT content FROM read_text($1))",
        "CREATE OR REPLACE MACRO nearest(query_name, k := 10) AS TABLE SELECT content FROM read_text($1)",
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_a_view_or_macro_of_ours_that_reads_a_file_is_refused_on_opening(
    tmp_path: Path, change: str, read_only: bool
) -> None:
    path = altered(tmp_path / "theirs.duckdb", change.replace("$1", f"'{Path(__file__)}'"))
    with pytest.raises(RegistryError, match=r"cannot be opened as a registry: Permission Error.*disabled"):
        Registry(path, read_only=read_only)


def test_another_text_of_ours_that_reads_no_file_is_no_error_as_versions_of_duckdb_print_it_differently(
    tmp_path: Path,
) -> None:
    path = altered(tmp_path / "theirs.duckdb", "CREATE OR REPLACE MACRO component_kind(component) AS lower(component)")
    Registry(path).close()


@pytest.mark.parametrize("read_only", [True, False])
def test_sql_in_a_registry_cannot_read_or_write_files(tmp_path: Path, read_only: bool) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("s3cret")
    path = altered(tmp_path / "theirs.duckdb", f"CREATE VIEW leak AS SELECT content FROM read_text('{secret}')")
    with Registry(path, read_only=read_only) as registry:
        for text in ("FROM leak", f"COPY (SELECT 1) TO '{tmp_path}/out.csv'", "SET enable_external_access = true"):
            with pytest.raises(duckdb.Error, match=r"disabled|while database is running"):
                registry.connection.execute(text).fetchall()


def test_a_catalogue_that_is_known_is_not_compared_and_any_other_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = tuple(text for _, _, text in migrations())
    right = catalogue.digest(*catalogue.made_by(texts))
    monkeypatch.setattr(catalogue, "_known", lambda: {right})
    monkeypatch.setattr(catalogue, "made_by", lambda _: pytest.fail("a catalogue was made"))
    Registry(tmp_path / "ours.duckdb").close()
    Registry(tmp_path / "ours.duckdb", read_only=True).close()
    with pytest.raises(pytest.fail.Exception, match="was made"):
        altered(tmp_path / "theirs.duckdb", "CREATE OR REPLACE VIEW known_root AS SELECT 1 AS model_id, 'x' AS source")
        Registry(tmp_path / "theirs.duckdb")


def test_the_digests_that_come_with_forebear_are_of_its_migrations() -> None:
    kept = catalogue.KNOWN.read_text("utf-8")
    made = page(kept)
    assert kept.splitlines()[0] == made.splitlines()[0], "make docs"
    assert duckdb.__version__ not in kept or kept == made, "make docs"
