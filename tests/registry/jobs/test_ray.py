"""Ray does the same work elsewhere (make test-ray)."""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from forebear.queries.search import all_pairs
from forebear.registry import Registry
from forebear.registry.audit import batches, plan
from forebear.registry.audit.run import AuditOptions
from forebear.registry.jobs.engines import Here, RayCluster

from ..audited import kept_by_run

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("default")]

MODEL_COLUMNS = "* EXCLUDE (ingested_at)"


@pytest.fixture(scope="module", autouse=True)
def two_workers() -> object:
    if importlib.util.find_spec("ray") is None:
        pytest.fail("Ray is not installed: run `make test-ray`")
    ray = importlib.import_module("ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def rows(registry: Registry, table: str, columns: str = "*") -> list[tuple[object, ...]]:
    return registry.connection.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").fetchall()


def test_two_workers_give_the_rows_of_one_process(zoo: Path, tmp_path: Path) -> None:
    folders = sorted(zoo.iterdir())
    with Registry(tmp_path / "here.duckdb") as here, Registry(tmp_path / "there.duckdb") as there:
        for outcome in here.ingesting(folders):
            assert outcome.status == "ingested"
        for outcome in there.ingesting(folders, engine=RayCluster()):
            assert outcome.status == "ingested"
        assert {o.status for o in there.ingesting(folders, engine=RayCluster())} == {"unchanged"}
        for table in ("tensor", "positions", "gram", "minhash", "vector", "token_row", "sketch"):
            assert rows(here, table) == rows(there, table)
        assert rows(here, "model", MODEL_COLUMNS) == rows(there, "model", MODEL_COLUMNS)
        mine = here.audit(AuditOptions(jobs=1))
        theirs = there.audit(AuditOptions(engine=RayCluster()))
        assert mine.table.drop_columns(["run_id"] if "run_id" in mine.table.column_names else []).equals(
            theirs.table.drop_columns(["run_id"] if "run_id" in theirs.table.column_names else [])
        )
        assert rows(here, "audit_pair") == rows(there, "audit_pair")


def die_once(mark: str, number: int) -> int:
    """The square of a number; the worker of one number is killed the first time."""
    if number == 5 and not Path(mark).exists():
        Path(mark).write_text("killed")
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def test_a_lost_worker_costs_time_alone(tmp_path: Path) -> None:
    work = partial(die_once, str(tmp_path / "mark"))
    assert list(RayCluster().map(work, range(12))) == [(n, n * n) for n in range(12)]
    assert (tmp_path / "mark").exists()


def killed_once(mark: str, work: Callable[[Any], Any], item: Any) -> Any:
    """What `work` returns; the worker of the second batch of evidence is killed before it is done."""
    if isinstance(item, batches.Order) and not Path(mark).exists():
        Path(mark).write_text("killed")
        os.kill(os.getpid(), signal.SIGKILL)
    return work(item)


class Mortal(RayCluster):
    """A cluster of which one worker dies."""

    def __init__(self, mark: Path) -> None:
        super().__init__()
        self._mark = str(mark)

    def map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        return super().map(partial(killed_once, self._mark, work), items)


def test_workers_that_read_a_shared_catalogue_give_the_rows_of_one_process_though_one_dies(
    postgres: str, zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sketches are compared in tiles of two models, evidence in batches of some pairs, each where Ray has it."""
    monkeypatch.setattr(batches, "BATCH_PAIRS", 4)
    monkeypatch.setattr(all_pairs, "ROWS", 2)
    monkeypatch.setattr(plan, "NEAREST_UP_TO", 0)  # as in a registry that is too large for it
    folders = [zoo / name for name in ("alder", "alder-docs", "alder-merge", "birch", "alder-pruned")]
    place = f"ducklake:postgres:{postgres}?data={tmp_path}/rows"
    for where, engine in ((tmp_path / "file.duckdb", Here()), (place, Mortal(tmp_path / "mark"))):
        with Registry(where) as registry:
            registry.ingest(*folders)
            registry.audit(AuditOptions(engine=engine))
    assert (tmp_path / "mark").exists()
    found = kept_by_run(place, 1)
    assert found == kept_by_run(tmp_path / "file.duckdb", 1)
    assert len(found["audit_pair"]) > 4
