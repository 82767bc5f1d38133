"""An audit that shares its registry: what others do meanwhile, and two that audit the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from forebear.ingest.errors import RegistryError
from forebear.queries.answers.audit_batch import Answers, Batch, evaluate
from forebear.registry import AuditOptions, Registry
from forebear.registry.audit import batches
from forebear.registry.audit.cost import audit_cost
from forebear.registry.audit.run import FEW_PAIRS, processes

from .conftest import found

THREE = AuditOptions(queries="alder-*s", jobs=1, sharing=True)
"""48 pairs of 17 models, in batches of 20."""


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_PAIRS", 15)


def once(stage: str, act: Callable[[], object]) -> Callable[[str, int, int], None]:
    """Progress that acts in the middle of a stage."""
    acted: list[bool] = []

    def advance(name: str, done: int, total: int) -> None:
        if name == stage and 0 < done < total and not acted:
            acted.append(True)
            act()

    return advance


def pairs(registry: Registry, run_id: int) -> list[tuple[object, ...]]:
    columns = "* EXCLUDE (run_id)"
    return registry.connection.execute(
        f"SELECT {columns} FROM audit_pair WHERE run_id = ? ORDER BY ALL", [run_id]
    ).fetchall()


def test_what_others_add_and_remove_meanwhile_is_for_the_next_run(zoo_copy: Path, tmp_path: Path, zoo: Path) -> None:
    def change() -> None:
        with Registry(zoo_copy) as other:
            other.remove("birch")
            other.remove("alder")
            other.ingest(shutil.copytree(zoo / "birch", tmp_path / "newcomer"))

    with Registry(zoo_copy) as registry:
        gone = registry.model("alder").model_id
        report = registry.audit(THREE, advance=once("pairs", change))
        assert {"newcomer"}.isdisjoint(m.name for m in registry.models("alder*"))
        rows = report.table.to_pylist()
        assert rows and not {"newcomer", "alder"} & {row["relative"] for row in rows if row["kind"] != "declaration"}
        kept = registry.connection.execute("SELECT count(*) FROM audit_pair WHERE relative_id = ?", [gone]).fetchall()
        assert kept == [(0,)]
        later = registry.audit(AuditOptions(queries="newcomer", jobs=1))
        assert later.run.run_id == 2 and later.run.models == 16
        assert not found(later, kind="ancestor")


def test_the_file_is_shut_while_an_audit_computes(zoo_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[int] = []

    def between(batch: Batch) -> Answers:
        with Registry(zoo_copy) as other:
            entered.append(len(other.models()))
        return evaluate(batch)

    monkeypatch.setattr(batches, "evaluate", between)
    with Registry(zoo_copy) as registry:
        report = registry.audit(THREE)
    assert report.run.evaluated == 48 and entered == [17] * 3


def test_of_two_audits_of_the_same_the_later_goes_on_and_the_other_ends(zoo_copy: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copy(zoo_copy, tmp_path / "alone.duckdb"))

    def another() -> None:
        with Registry(zoo_copy) as other:
            assert other.audit(THREE).run.run_id == 1

    with Registry(zoo_copy) as registry:
        with pytest.raises(RegistryError, match="run 1 was taken over by another process"):
            registry.audit(THREE, advance=once("pairs", another))
        with Registry(alone) as single:
            single.audit(THREE)
            assert pairs(registry, 1) == pairs(single, 1)


def test_a_dry_run_expects_the_pairs_that_are_computed_and_writes_nothing(zoo_copy: Path) -> None:
    before = zoo_copy.read_bytes()
    with Registry(zoo_copy, read_only=True) as registry:
        cost = audit_cost(registry.connection, THREE)
    assert zoo_copy.read_bytes() == before
    assert (cost.models, cost.against, cost.kept, cost.pairs) == (3, 17, 0, 48)
    assert cost.seconds > 0 and cost.megabytes > 0
    assert cost.jobs == 1, "so few pairs are computed in one process"
    with Registry(zoo_copy) as registry:
        assert registry.audit(THREE).run.evaluated == 48
        again = audit_cost(registry.connection, THREE)
        assert (again.kept, again.pairs, again.evidence_seconds) == (3, 0, 0.0)


def test_a_dry_run_counts_the_processes_that_many_pairs_are_worth() -> None:
    options = AuditOptions(jobs=3)
    assert [processes(options, work, FEW_PAIRS) for work in (0, FEW_PAIRS - 1, FEW_PAIRS)] == [1, 1, 3]
