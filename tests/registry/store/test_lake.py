"""Registries in DuckLake catalogues (make test-lake: the extensions are built for one version of DuckDB)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from forebear.registry import AuditOptions, Registry, RegistryError
from forebear.registry.store.inferred import inferred_ancestors

from ..audited import kept_by_run
from ..conftest import COMMAND, MakeModel
from ..siblings import CHILDREN, write

pytestmark = pytest.mark.lake
WRITERS = 4
MODELS = 6
"""Of each writer, beside one that all of them ingest."""


@pytest.fixture
def place(tmp_path: Path) -> str:
    return f"ducklake:{tmp_path}/lake.ducklake"


def answer(place: str | Path, name: str) -> list[tuple[str, float, float, tuple[str, ...]]]:
    with Registry(place, read_only=True) as registry:
        rows = registry.ancestors(name).components[0].ancestors
    return [(a.name, a.log10_evalue, a.distance, a.relation) for a in rows]


def test_a_catalogue_answers_as_a_file_does(place: str, tmp_path: Path, zoo: Path) -> None:
    folders = [zoo / name for name in ("alder", "alder-docs", "alder-pruned", "birch")]
    for registry_place in (place, tmp_path / "file.duckdb"):
        with Registry(registry_place) as registry:
            assert {o.status for o in registry.ingest(*folders)} == {"ingested"}
            assert {o.status for o in registry.ingest(*folders)} == {"unchanged"}
            registry.remove("birch")
    assert answer(place, "alder-docs") == answer(tmp_path / "file.duckdb", "alder-docs")


def test_an_audit_of_a_catalogue_finds_what_one_of_a_file_finds(place: str, tmp_path: Path, zoo: Path) -> None:
    """A first run, one that takes over what holds after a model came, and one after a model went."""
    folders = [zoo / name for name in ("alder", "alder-docs", "alder-merge", "birch")]
    file = tmp_path / "file.duckdb"
    counts: list[list[dict[str, int]]] = []
    for registry_place in (place, file):
        with Registry(registry_place) as registry:
            registry.ingest(*folders)
            runs = [registry.audit(AuditOptions(jobs=1)).counts()]
            registry.ingest(zoo / "alder-pruned")
            runs.append(registry.audit(AuditOptions(jobs=1)).counts())
            registry.remove("birch")
            runs.append(registry.audit(AuditOptions(jobs=1)).counts())
            counts.append(runs)
    assert counts[0] == counts[1] and counts[0][0] != counts[0][1]
    for run_id in (1, 2, 3):
        found = kept_by_run(place, run_id)
        assert found == kept_by_run(file, run_id)
        assert found["audit_pair"] and found["audit_finding"]


def test_a_missing_ancestor_is_inferred_and_found_on_a_catalogue_as_in_a_file(place: str, tmp_path: Path) -> None:
    children = [write(tmp_path, name, seed=n, size=0.07 + 0.005 * n) for n, name in enumerate(CHILDREN, 1)]
    root, kept = write(tmp_path, "root"), []
    for registry_place in (place, tmp_path / "file.duckdb"):
        with Registry(registry_place) as registry:
            registry.ingest(*children)
            registry.audit(AuditOptions(jobs=1))
            (missing,) = inferred_ancestors(registry.connection)
            assert missing.models == CHILDREN and missing.found == ()
            registry.ingest(root)
            registry.audit(AuditOptions(jobs=1))
            kept += inferred_ancestors(registry.connection)
    assert all((one.models, one.found, one.dated) == (CHILDREN, ("root",), False) for one in kept)
    first, second = ((*one.found_identities, one.least_identity, one.most_identity) for one in kept)
    assert first == pytest.approx(second, rel=1e-9)


def test_licences_are_judged_on_a_catalogue_too(place: str, make_model: MakeModel) -> None:
    with Registry(place) as registry:
        registry.ingest(make_model("ash"))
        judged = registry.connection.execute("SELECT count(*) FROM licence").fetchall()[0][0]
        roots = registry.connection.execute("SELECT count(*) FROM published_root").fetchall()[0][0]
    assert judged > 60 and roots > 0


def test_an_export_of_a_file_fills_a_catalogue_and_comes_back(
    place: str, tmp_path: Path, make_model: MakeModel
) -> None:
    with Registry(tmp_path / "file.duckdb") as registry:
        registry.ingest(make_model("ash"), make_model("beech", 1))
        registry.export(tmp_path / "out")
        before = registry.connection.sql("FROM tensor ORDER BY ALL").fetchall()
    with Registry(place) as registry:
        assert registry.import_(tmp_path / "out").models == 2
        registry.ingest(make_model("cedar", 2))
        assert [m.model_id for m in registry.models()] == [1, 2, 3]
        registry.remove("cedar")
        registry.export(tmp_path / "again")
    with Registry(tmp_path / "back.duckdb") as registry:
        registry.import_(tmp_path / "again")
        assert registry.connection.sql("FROM tensor ORDER BY ALL").fetchall() == before


def test_a_catalogue_that_is_not_there_is_not_made_by_a_reader(place: str) -> None:
    with pytest.raises(RegistryError, match=r"lake\.ducklake"):
        Registry(place, read_only=True)


def test_sql_reads_the_catalogue_and_nothing_else(place: str, make_model: MakeModel) -> None:
    from forebear.registry.store.sql import run_sql

    with Registry(place) as registry:
        registry.ingest(make_model("ash"))
    assert run_sql(place, "SELECT name FROM model").to_pylist() == [{"name": "ash"}]
    for statement in ("FROM read_text('/etc/hostname')", "DELETE FROM model", "FROM '/etc/hostname'"):
        with pytest.raises(RegistryError, match="SQL"):
            run_sql(place, statement)


def test_four_writers_lose_and_double_nothing(postgres: str, tmp_path: Path, make_model: MakeModel) -> None:
    place = f"ducklake:postgres:{postgres}?data={tmp_path}/rows"
    shared = make_model("shared")
    writers = []
    for writer in range(WRITERS):
        mine = [make_model(f"model-{writer}-{n}", 10 * writer + n) for n in range(MODELS)]
        command = [*COMMAND, "--registry", place, "ingest", "--quiet", *map(str, mine[: MODELS // 2]), str(shared)]
        writers.append(subprocess.Popen([*command, *map(str, mine[MODELS // 2 :])], stdout=subprocess.DEVNULL))
    assert [w.wait(300) for w in writers] == [0] * WRITERS
    with Registry(place, read_only=True) as registry:
        models = registry.models()
        tensors = registry.connection.execute("SELECT model_id, count(*) FROM tensor GROUP BY ALL").fetchall()
    names = {f"model-{writer}-{n}" for writer in range(WRITERS) for n in range(MODELS)} | {"shared"}
    assert sorted(m.name for m in models) == sorted(names)
    assert len({m.model_id for m in models}) == len(names)
    assert dict(tensors) == {m.model_id: m.tensors for m in models}


def test_a_writer_that_is_killed_leaves_what_it_reported(postgres: str, tmp_path: Path, make_model: MakeModel) -> None:
    place = f"ducklake:postgres:{postgres}?data={tmp_path}/rows"
    models = [str(make_model(f"model-{n}", n)) for n in range(12)]
    command = [*COMMAND, "--registry", place, "ingest", "--format", "csv", *models]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        reported = [writer.stdout.readline() for _ in range(5)][1:]
        writer.kill()
        reported += writer.stdout.read().splitlines()
    with Registry(place) as registry:
        kept = {m.uri for m in registry.models()}
        assert len(kept) >= len(reported) >= 4
        assert {o.status for o in registry.ingest(*models)} <= {"ingested", "unchanged"}
        assert len(registry.models()) == len(models)
