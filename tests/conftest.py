"""Fixtures that several folders use: the bundled zoo, its lineage, and a registry of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, settings

from forebear.registry import Registry
from forebear.registry.store import database

# Shared machines are slow at times: that is no failure. CI repeats the same examples, people explore new ones.
settings.register_profile("people", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("people"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "people")

# A job in the background inherits an ignored Ctrl-C, and so would every process that a test sends one to.
signal.signal(signal.SIGINT, signal.default_int_handler)

_MADE_BY_MIGRATIONS = database._open_file
ZOO = Path(__file__).parent / "zoo"


@pytest.fixture(scope="session", autouse=True)
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new registry in this process is a copy of one that was made once, as its 700 comments take half a second.

    A command in a process of its own makes its registry itself, and so does what asks for `makes_registries`.
    """
    made = tmp_path_factory.mktemp("new") / "registry.duckdb"
    Registry(made).close()

    def copied(path: Path, read_only: bool) -> duckdb.DuckDBPyConnection:
        if not read_only and path.parent.is_dir() and not path.exists():
            copy = path.with_name(f"{path.name}.{os.getpid()}.copy")
            try:
                shutil.copyfile(made, copy)
                os.link(copy, path)  # whoever is first made it
            except OSError:
                pass  # the real one says why
            finally:
                copy.unlink(missing_ok=True)
        return _MADE_BY_MIGRATIONS(path, read_only)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_open_file", copied)
        yield


@pytest.fixture
def makes_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """New registries are made by their migrations, as everywhere outside of the tests."""
    monkeypatch.setattr(database, "_open_file", _MADE_BY_MIGRATIONS)


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
