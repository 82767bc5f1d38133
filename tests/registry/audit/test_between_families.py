"""Missing ancestors of an audit that shares its registry, is ended, or computes in several processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from forebear.ingest.errors import RegistryError
from forebear.registry import AuditOptions, Registry
from forebear.registry.audit import batches, inferring, run
from forebear.registry.audit.inferring import FamilyRows, Inferred, infer
from forebear.registry.store.inferred import inferred_ancestors

from ..siblings import CHILDREN, write
from .conftest import found

TABLES = ("inferred", "inferred_member", "inferred_tensor", "inferred_match", "audit_finding", "audit_family")
SHARING = AuditOptions(sharing=True, jobs=1)
COUSINS = tuple(f"{name}-2" for name in CHILDREN)


@pytest.fixture(scope="module")
def two_families(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of two families of five without their parents; copy it before an audit."""
    folder = tmp_path_factory.mktemp("families")
    with Registry(folder / "registry.duckdb") as registry:
        for root, names in enumerate((CHILDREN, COUSINS)):
            registry.ingest(
                *(write(folder, name, seed=n, size=0.07 + 0.005 * n, root=root) for n, name in enumerate(names, 1))
            )
    return folder / "registry.duckdb"


@pytest.fixture
def place(two_families: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry that was not audited; families are inferred one at a time."""
    monkeypatch.setattr(batches, "BATCH_MODELS", 5)
    return Path(shutil.copy(two_families, tmp_path / "registry.duckdb"))


@pytest.fixture(scope="module")
def expected(two_families: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    """What an audit in one piece keeps."""
    alone = Path(shutil.copy(two_families, tmp_path_factory.mktemp("alone") / "registry.duckdb"))
    with Registry(alone) as registry:
        registry.audit(AuditOptions(jobs=1))
    rows = kept(alone)
    assert [len(rows[table]) for table in ("inferred", "inferred_member")] == [2, 10]
    return rows


def kept(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with Registry(path, read_only=True) as registry:
        return {
            table: registry.connection.execute(f"FROM {table} ORDER BY ALL").fetchall()  # each a table of TABLES
            for table in TABLES
        }


def test_others_write_while_missing_ancestors_are_inferred(
    place: Path, monkeypatch: pytest.MonkeyPatch, expected: dict[str, list[tuple[object, ...]]]
) -> None:
    there: list[int] = []

    def between(rows: FamilyRows) -> list[Inferred]:
        with Registry(place) as other:
            there.append(len(inferred_ancestors(other.connection)))
            other.connection.execute("UPDATE model SET license = 'mit'")
        return infer(rows)

    monkeypatch.setattr(inferring, "infer", between)
    with Registry(place) as registry:
        registry.audit(SHARING)
        assert {model.license for model in registry.models()} == {"mit"}
    assert there == [0, 1]
    assert kept(place)["inferred_tensor"] == expected["inferred_tensor"]


_KILLED = """
import os, signal, sys
from forebear.registry import Registry
from forebear.registry.audit import batches
batches.BATCH_MODELS = 5
def advance(stage, done, total):
    if stage == sys.argv[2] and done >= int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
with Registry(sys.argv[1]) as registry:
    registry.audit(advance=advance)
"""


@pytest.mark.parametrize(
    ("stage", "done", "ancestors"),
    [("missing ancestors", 0, 0), ("missing ancestors", 5, 1), ("findings", 0, 2)],
    ids=["before the first family", "after the first family", "before the findings"],
)
def test_an_audit_that_was_killed_goes_on_with_the_families_that_are_left(
    place: Path, stage: str, done: int, ancestors: int, expected: dict[str, list[tuple[object, ...]]]
) -> None:
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(place), stage, str(done)], check=False)
    assert ended.returncode == -9
    with Registry(place) as registry:
        assert len(inferred_ancestors(registry.connection)) == ancestors
        totals: list[int] = []
        report = registry.audit(
            advance=lambda name, _, total: totals.append(total) if name == "missing ancestors" else None
        )
        assert report.run.run_id == 1 and max(totals, default=0) == 10 - 5 * ancestors
    assert kept(place) == expected


def test_two_processes_infer_what_one_does(
    place: Path, monkeypatch: pytest.MonkeyPatch, expected: dict[str, list[tuple[object, ...]]]
) -> None:
    monkeypatch.setattr(run, "FEW_MEMBERS", 0)
    with Registry(place) as registry:
        registry.audit(AuditOptions(jobs=2))
    assert kept(place) == expected


def test_an_audit_that_is_taken_over_meanwhile_ends_and_the_other_keeps_the_same(
    place: Path, expected: dict[str, list[tuple[object, ...]]]
) -> None:
    def another(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("missing ancestors", 5):
            with Registry(place) as other:
                other.audit(AuditOptions(jobs=1))

    with Registry(place) as registry, pytest.raises(RegistryError, match="run 1 was taken over by another process"):
        registry.audit(SHARING, advance=another)
    assert kept(place) == expected


def test_a_model_that_is_removed_meanwhile_is_in_no_family_and_gives_no_ancestor(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def between(rows: FamilyRows) -> list[Inferred]:
        asked.extend(len(family.members) for family in rows.families)
        if len(asked) == 1:
            with Registry(place) as other:
                other.remove("elm")
        return infer(rows)

    monkeypatch.setattr(inferring, "infer", between)
    with Registry(place) as registry:
        report = registry.audit(SHARING)
        models = [set(one.models) for one in inferred_ancestors(registry.connection)]
        assert models[-1] == set(COUSINS) and "elm" not in set[str]().union(*models)
        assert asked == [5, 4, 5], "the family is read again before it is kept"
        assert {tuple(family.models) for family in report.families} == {
            tuple(sorted(set(CHILDREN) - {"elm"})),
            tuple(sorted(COUSINS)),
        }
        assert "elm" not in {row["query"] for row in found(report)}


@pytest.mark.parametrize("ended", [False, True], ids=["of another scope", "that was ended"])
def test_families_that_an_earlier_run_compared_are_inferred_by_the_first_that_finishes(
    place: Path, tmp_path: Path, ended: bool, expected: dict[str, list[tuple[object, ...]]]
) -> None:
    if ended:
        subprocess.run([sys.executable, "-c", _KILLED, str(place), "missing ancestors", "5"], check=False)
    with Registry(place) as registry:
        if ended:
            registry.ingest(write(tmp_path, "stranger", root=7))
        else:
            registry.audit(AuditOptions(queries="*", jobs=1))
            assert inferred_ancestors(registry.connection) == []
        second = registry.audit(AuditOptions(jobs=1))
        assert second.run.run_id == 2 and second.run.carried
        assert [(one.models, one.run_id) for one in inferred_ancestors(registry.connection)] == [
            (CHILDREN, 2),
            (COUSINS, 2),
        ]
    assert kept(place)["inferred_tensor"] == expected["inferred_tensor"]
