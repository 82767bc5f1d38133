"""Fixtures that several folders use: the bundled zoo, its lineage, and a registry of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forebear.registry import Registry

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
