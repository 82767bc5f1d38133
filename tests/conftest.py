"""Fixtures that several folders use: the bundled zoo, its lineage, and a registry of it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from forebear.registry import Registry

# Shared machines are slow at times: that is no failure. CI repeats the same examples, people explore new ones.
settings.register_profile("people", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("people"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "people")

# A job in the background inherits an ignored Ctrl-C, and so would every process that a test sends one to.
signal.signal(signal.SIGINT, signal.default_int_handler)

ZOO = Path(__file__).parent / "zoo"


@pytest.fixture(scope="session")
def zoo() -> Path:
    """The folder of the models of the bundled zoo."""
    return ZOO / "models"


@pytest.fixture(scope="session")
def truth() -> dict[str, Any]:
    """The lineage of the zoo."""
    found: dict[str, Any] = json.loads((ZOO / "truth.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def zoo_registry(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of the whole zoo; open it read-only."""
    path = tmp_path_factory.mktemp("zoo") / "registry.duckdb"
    with Registry(path) as registry:
        outcomes = registry.ingest(*sorted(zoo.iterdir()))
    assert {outcome.status for outcome in outcomes} == {"ingested"}
    return path
