"""A push or a pull that is killed at any moment leaves whole models, and the next one goes on."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from forebear.registry import Registry
from forebear.registry.exchange import pushing

from ..conftest import COMMAND

KILLS = 3


def rows(path: Path) -> dict[str, dict[str, int]]:
    """Name of a model -> rows of it in each table of fingerprints."""
    with Registry(path, read_only=True) as registry:
        models = {m.model_id: m.name for m in registry.models()}
        counts: dict[str, dict[str, int]] = {name: {} for name in models.values()}
        for table in ("tensor", "positions", "gram", "minhash", "sketch", "token_row", "vector", "file"):
            found = registry.connection.execute(f"SELECT model_id, count(*) FROM {table} GROUP BY ALL").fetchall()
            assert {model for model, _ in found} <= set(models)
            for model, count in found:
                counts[models[model]][table] = count
    return counts


def killed_when(arguments: list[str], registry: Path, reached: Callable[[], bool]) -> None:
    """Run a command, and kill it at once when `reached` says so, or never if it was faster."""
    environment = {**os.environ, "FOREBEAR_REGISTRY": str(registry)}
    process = subprocess.Popen([*COMMAND, *arguments, "--quiet"], env=environment, stderr=subprocess.DEVNULL)
    while process.poll() is None and not reached():
        time.sleep(0.002)
    process.kill()
    process.wait()


def size(path: Path) -> int:
    """Bytes of the registry and of its log."""
    log = path.with_name(f"{path.name}.wal")
    return path.stat().st_size + (log.stat().st_size if log.exists() else 0)


def grown(path: Path, least: int) -> bool:
    """Whether the registry has so many bytes."""
    return size(path) >= least


def test_a_pull_that_is_killed_leaves_whole_models_and_is_finished_by_the_next(
    four: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "TOGETHER", 1)
    place, there = tmp_path / "at", tmp_path / "there.duckdb"
    with Registry(four, read_only=True) as registry:
        registry.push(place)
    expected, chance = rows(four), random.Random(19)
    Registry(there).close()
    kept: list[int] = []
    for _ in range(KILLS):
        least = size(there) + chance.randrange(1, 60_000)
        killed_when(["pull", str(place)], there, partial(grown, there, least))
        found = rows(there)
        assert {name: expected[name] for name in found} == found
        kept.append(len(found))
    assert kept[0] < 4, "the first was not killed"
    with Registry(there) as registry:
        registry.pull(place)
    assert rows(there) == expected


@pytest.mark.parametrize("files", [1, 3])
def test_a_push_that_is_killed_shows_what_was_there_before(four: Path, tmp_path: Path, files: int) -> None:
    place, first = tmp_path / "at", Path(shutil.copy(four, tmp_path / "first.duckdb"))
    with Registry(first) as registry:
        for name in ("beech", "cedar", "dogwood"):
            registry.remove(name)
        registry.push(place)
    begun = len(list(place.rglob("*.parquet*")))
    killed_when(["push", str(place)], four, lambda: len(list(place.rglob("*.parquet*"))) >= begun + files)
    with Registry(tmp_path / "fresh.duckdb") as registry:
        assert registry.pull(place).models in {1, 4}
    with Registry(four, read_only=True) as registry:
        registry.push(place)
    with Registry(tmp_path / "all.duckdb") as registry:
        assert registry.pull(place).models == 4
    assert rows(tmp_path / "all.duckdb") == rows(four)
