"""Ingest by those who have the token: repositories of a Hub on loopback, and nothing of this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from forebear.registry import Registry
from forebear.registry.server.snapshot import Snapshots

from ...hub_server import HubServer
from ..conftest import MakeModel
from .conftest import HOST, client_of

TOKEN = "a-secret-of-this-test"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def place(tmp_path: Path, make_model: MakeModel) -> Path:
    path = tmp_path / "own.duckdb"
    with Registry(path) as registry:
        registry.ingest(make_model("first"))
    return path


@pytest.fixture
def client(place: Path, monkeypatch: pytest.MonkeyPatch, make_model: MakeModel) -> Iterator[TestClient]:
    """A server that may ingest from a Hub on loopback, which has org/one."""
    with HubServer() as hub:
        hub.add("org/one", make_model("one", 1))
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        with Snapshots(place, least=0.05) as copy, client_of(place, copy, token=TOKEN) as found:
            yield found


def ended(client: TestClient) -> list[dict[str, str]]:
    """The jobs when none waits or is read any more."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        jobs: list[dict[str, str]] = client.get("/api/ingest", headers=BEARER).json()["jobs"]
        if not {job["status"] for job in jobs} & {"waiting", "reading"}:
            return jobs
        time.sleep(0.05)
    raise AssertionError("no end")


def test_a_repository_is_ingested_and_readers_see_it(client: TestClient) -> None:
    assert client.post("/api/ingest", json={"source": "org/one"}, headers=BEARER).status_code == 202
    form = {"source": "org/missing", "token": TOKEN}
    page = client.post("/ingest", data=form, headers={"Origin": HOST})
    assert page.status_code == 202 and "hf://org/missing waits to be read" in page.text
    missing, one = ended(client)
    assert (one["source"], one["status"]) == ("hf://org/one", "ingested")
    assert missing["status"] == "failed" and missing["reason"]
    end = time.monotonic() + 20
    while client.get("/api/model?name=org/one").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_only_the_token_opens_it(client: TestClient) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        assert client.post("/api/ingest", json={"source": "org/one"}, headers=headers).status_code == 401
        assert client.get("/api/ingest", headers=headers).status_code == 401
    assert client.post("/ingest", data={"source": "org/one", "token": "wrong"}).status_code == 401
    evil = {**BEARER, "Origin": "https://evil.example"}
    assert client.post("/api/ingest", json={"source": "org/one"}, headers=evil).status_code == 403
    assert client.post("/ingest", data={"source": "x/y", "token": TOKEN}, headers={"Origin": "null"}).status_code == 403
    assert client.get("/api/ingest", headers=BEARER).json()["jobs"] == []


@pytest.mark.parametrize(
    "source",
    ["/etc", "./x", "file:///etc", "@/etc/passwd", "-h", "--budget=1", "org/*", "one", "", "https://evil.example/a/b"],
)
def test_nothing_but_a_repository_of_the_hub_is_read(client: TestClient, source: str) -> None:
    found = client.post("/api/ingest", json={"source": source}, headers=BEARER)
    assert found.status_code == 400 and found.json()["error"]
    assert client.get("/api/ingest", headers=BEARER).json()["jobs"] == []


def test_the_description_has_it_where_it_is_allowed(client: TestClient) -> None:
    assert "/api/ingest" in client.get("/api/openapi.json").json()["paths"]
    assert 'href="/ingest"' in client.get("/").text
