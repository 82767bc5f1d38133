"""The soak notices what it is made to notice: a loss, other rows, rows of no model, a traceback."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forebear.registry import Registry

from ..hub_server import HubServer
from . import run
from .run import Job, Soak


@pytest.fixture
def soaked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Soak]:
    """A soak of two folders and two repositories, all of them reported and there."""
    monkeypatch.setattr(run, "MODELS", 2)
    with HubServer() as hub:
        one = Soak(tmp_path, hub, random.Random(1))
        one.prepare()
        (tmp_path / "whole.duckdb").rename(one.path)
        one.reported = set(one.expected)
        yield one


def test_a_registry_that_has_all_that_was_reported_passes(soaked: Soak) -> None:
    assert len(soaked.reported) == 4
    soaked.check()
    soaked.round()


def test_a_model_that_was_reported_and_is_gone_is_a_loss(soaked: Soak) -> None:
    with Registry(soaked.path) as registry:
        registry.remove("m0")
    with pytest.raises(AssertionError, match=r"reported and lost: \['file://.*/m0'\]"):
        soaked.check()


def test_rows_that_differ_and_rows_of_no_model_are_noticed(soaked: Soak) -> None:
    with Registry(soaked.path) as registry:
        registry.connection.execute("UPDATE model SET parameters = parameters + 1")
    with pytest.raises(AssertionError, match="other rows than without faults"):
        soaked.check()
    with Registry(soaked.path) as registry:
        registry.connection.execute("DELETE FROM model WHERE name = 'm1'")
    with pytest.raises(AssertionError, match="rows of no model"):
        soaked.check()


def test_a_traceback_is_noticed(soaked: Soak, tmp_path: Path) -> None:
    with (tmp_path / "x.err").open("wb") as err:
        process = subprocess.Popen([sys.executable, "-c", "raise ValueError"], stderr=err)
        process.wait()
    with pytest.raises(AssertionError, match="Traceback"):
        soaked._collect(Job("list", process, tmp_path / "x.out", tmp_path / "x.err"))
