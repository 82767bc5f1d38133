"""A registry with an audit that the server's tests read, and the application around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from forebear.registry import AuditOptions, Registry
from forebear.registry.cli.forms import forms
from forebear.registry.server.app import Settings, application
from forebear.registry.server.ingests import Ingests
from forebear.registry.server.site import Site
from forebear.registry.server.snapshot import Snapshots

HOST = "http://127.0.0.1"


MODELS = ("alder", "alder-docs", "alder-docs-tests", "alder-merge", "alder-tests", "birch", "elm-in-alder-norms")
"""Of the bundled zoo: as few as have a merge, a fine-tune of a fine-tune, and strangers."""


@pytest.fixture(scope="package")
def audited_zoo(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of the bundled zoo with a finished audit; open it read-only."""
    path = tmp_path_factory.mktemp("served") / "registry.duckdb"
    with Registry(path) as registry:
        registry.ingest(*(zoo / name for name in MODELS))
        registry.audit(AuditOptions(jobs=1))
    return path


@pytest.fixture(scope="package")
def snapshots(audited_zoo: Path) -> Iterator[Snapshots]:
    """Its copy, as a server reads it."""
    with Snapshots(audited_zoo) as found:
        yield found


@pytest.fixture(scope="package")
def client(audited_zoo: Path, snapshots: Snapshots) -> Iterator[TestClient]:
    """A client of a server that only reads and counts no requests."""
    with client_of(audited_zoo, snapshots) as found:
        yield found


def client_of(path: Path, snapshots: Snapshots, *, rate: float = 0.0, token: str | None = None) -> TestClient:
    """A client of a server of the registry at `path`; use it as a context manager."""
    site = Site(forms(), token is not None)
    app = application(site, snapshots, Ingests(path, token), Settings(rate=rate, burst=5.0))
    return TestClient(app, base_url=HOST, raise_server_exceptions=False)
