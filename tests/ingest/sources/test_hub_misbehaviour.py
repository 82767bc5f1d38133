"""Hosts that fail, stall or lie: the right bytes after another try, or an error that says what happened."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from forebear.ingest.errors import SourceError
from forebear.ingest.formats import read_checkpoint
from forebear.ingest.metadata.tokenizer import Vocabulary
from forebear.ingest.model import fingerprint_model
from forebear.ingest.names.naming import name_tensors
from forebear.ingest.plan import plan_reading
from forebear.ingest.reading.ranges import read_plan
from forebear.ingest.sources import open_source
from forebear.ingest.sources.hub import HubReader, HubSource, open_hub
from forebear.ingest.sources.hub_patience import Patience, asked_wait

from ...hub_server import Fault, HubServer

FAST = Patience(tries=4, first=0.01, most=0.05, timeout=0.5, longest=5.0)
WEIGHTS = "model.safetensors"


@pytest.fixture
def hub(zoo: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        server.add("zoo/alder", zoo / "alder")
        yield server


@pytest.fixture(scope="module")
def content(zoo: Path) -> str:
    return fingerprint_model(open_source(str(zoo / "alder"))).content


def open_fast(hub: HubServer) -> HubSource:
    return open_hub("zoo/alder", endpoint=hub.endpoint, token=False, patience=FAST)


def weights(hub: HubServer) -> HubReader:
    """A reader that has already read a little, as after a header."""
    reader = open_fast(hub).open(WEIGHTS)
    reader.read(0, 100)
    return reader


PASSING = {
    "429": Fault(status=429),
    "429 with a wait": Fault(status=429, headers={"Retry-After": "0"}),
    "429 with an exhausted limit": Fault(status=429, headers={"RateLimit": '"resolvers";r=0;t=0'}),
    "500": Fault(status=500),
    "503": Fault(status=503),
    "reset before the body": Fault(cut=0),
    "reset in the body": Fault(cut=50),
    "a short body": Fault(short=10),
    "an expired address": Fault(expire=True),
    "an address that is gone": Fault(status=410),
    "silence": Fault(delay=0.8),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_of_the_storage_that_passes_changes_nothing(hub: HubServer, content: str, name: str) -> None:
    hub.storage.fail(PASSING[name], times=2 if "expired" not in name and "gone" not in name else 1)
    assert fingerprint_model(open_fast(hub)).content == content


@pytest.mark.parametrize("name", ["429", "503", "reset before the body", "silence"])
@pytest.mark.parametrize("path", ["/api/models", "README.md", WEIGHTS])
def test_a_fault_of_the_hub_that_passes_changes_nothing(hub: HubServer, content: str, name: str, path: str) -> None:
    fault = PASSING[name]
    hub.hub.fail(Fault(status=fault.status, cut=fault.cut, delay=fault.delay, path=path))
    model = fingerprint_model(open_fast(hub))
    assert model.content == content
    assert model.card.license == "apache-2.0"


def test_all_addresses_expire_in_the_middle_and_are_asked_for_once_more(hub: HubServer, zoo: Path) -> None:
    reader = weights(hub)
    hub.expire_addresses()
    assert reader.read(100, 5000) == (zoo / "alder" / WEIGHTS).read_bytes()[100:5100]
    assert sum(path.startswith("HEAD") for path in hub.hub.paths) == 2


def test_a_host_is_left_alone_for_as_long_as_it_asks(hub: HubServer) -> None:
    reader = weights(hub)
    hub.storage.fail(Fault(status=429, headers={"Retry-After": "1"}))
    begin, before = time.monotonic(), hub.storage.requests
    reader.read(0, 100)
    assert time.monotonic() - begin >= 1
    assert hub.storage.requests == before + 2


def test_a_wait_that_is_too_long_is_an_error_at_once(hub: HubServer) -> None:
    reader = weights(hub)
    hub.storage.fail(Fault(status=429, headers={"Retry-After": "99999"}), times=None)
    before = hub.storage.requests
    with pytest.raises(SourceError, match="99999 s of patience"):
        reader.read(0, 100)
    assert hub.storage.requests == before + 1


def test_a_wait_is_read_from_seconds_dates_and_limits() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert asked_wait({"retry-after": "7"}) == 7
    assert 90 < (asked_wait({"retry-after": soon}) or 0) <= 100
    assert asked_wait({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert asked_wait({"ratelimit": '"api";r=0;t=55'}) == 55
    for headers in ({}, {"retry-after": "soon"}, {"retry-after": "-1"}, {"ratelimit": '"api";r=3;t=55'}):
        assert asked_wait(headers) is None


LASTING = {
    "503": (Fault(status=503), "4 tries"),
    "429": (Fault(status=429), "limits requests"),
    "reset": (Fault(cut=20), "4 tries"),
    "short": (Fault(short=10), "4 tries"),
    "silence": (Fault(delay=0.8), "4 tries"),
    "trickle": (Fault(pause=0.3), "too slow"),
    "expired": (Fault(expire=True), "has just given"),
    "forbidden": (Fault(status=403), "has just given"),
    "teapot": (Fault(status=418), "HTTP 418"),
    "range ignored": (Fault(ignore_range=True), "whole file instead of a range"),
    "another range": (Fault(headers={"Content-Range": "bytes 0-99/781040"}), "another range"),
    "no range": (Fault(headers={"Content-Range": "nonsense"}), "another range"),
    "another size": (Fault(headers={"Content-Range": "bytes 100-299/5"}), "has changed"),
    "too much": (Fault(extra=1), "more than was asked"),
    "compressed": (Fault(headers={"Content-Encoding": "gzip"}), "compresses"),
    "another ETag": (Fault(headers={"ETag": '"another"'}), "another ETag"),
    "behind the end": (Fault(status=416), "has changed"),
}


@pytest.mark.parametrize("name", LASTING)
def test_a_fault_that_lasts_is_an_error_that_names_the_file(hub: HubServer, name: str) -> None:
    fault, message = LASTING[name]
    reader = weights(hub)
    hub.storage.fail(fault, times=None)
    with pytest.raises(SourceError, match=message) as failed:
        reader.read(100, 200)
    assert f"hf://zoo/alder: {WEIGHTS}" in str(failed.value)
    assert "Signature" not in str(failed.value)


@pytest.mark.parametrize(("extra", "message"), [(1, "more bytes"), (1 << 20, "more bytes"), (-1, "4 tries")])
def test_a_body_of_unannounced_length_must_be_the_range(hub: HubServer, extra: int, message: str) -> None:
    reader = weights(hub)
    unannounced = {"Content-Length": None, "Connection": "close"}
    hub.storage.fail(Fault(headers=unannounced))
    assert len(reader.read(100, 200)) == 200
    hub.storage.fail(Fault(extra=max(extra, 0), short=max(-extra, 0), headers=unannounced), times=None)
    with pytest.raises(SourceError, match=message):
        reader.read(100, 200)


def test_a_server_without_ranges_cannot_make_us_read_the_file(hub: HubServer, tmp_path: Path) -> None:
    with (tmp_path / WEIGHTS).open("wb") as file:
        file.truncate(1 << 30)
    hub.add("zoo/large", tmp_path)
    hub.storage.fail(Fault(ignore_range=True), times=None)
    source = open_hub("zoo/large", endpoint=hub.endpoint, token=False, patience=FAST)
    with pytest.raises(SourceError, match="whole file"):
        source.open(WEIGHTS).read(0, 1000)
    assert hub.storage.requests == 1
    assert hub.storage.bytes < 32 << 20  # what the sockets between us hold


REDIRECTS = {
    "a file": {"Location": "file://localhost/etc/passwd"},
    "no host": {"Location": "https:///x"},
    "no address": {"Location": "http://[broken"},
    "a port that is none": {"Location": "http://127.0.0.1:99999/x"},
    "control characters": {"Location": "http://127.0.0.1/\u00e9"},
    "itself": {"Location": ""},
    "another commit": {"X-Repo-Commit": "0" * 40},
    "another size": {"X-Linked-Size": "5"},
    "another content": {"X-Linked-ETag": f'"{"0" * 64}"'},
}


@pytest.mark.parametrize("name", REDIRECTS)
def test_an_address_that_cannot_be_trusted_is_an_error(hub: HubServer, name: str) -> None:
    source = open_fast(hub)
    hub.hub.fail(Fault(headers=REDIRECTS[name], method="HEAD", path=WEIGHTS), times=None)
    with pytest.raises(SourceError, match="cannot be used" if "Location" in REDIRECTS[name] else "has changed"):
        source.open(WEIGHTS).read(0, 100)
    assert hub.storage.requests == 0


def test_redirects_without_end_are_an_error(hub: HubServer, zoo: Path) -> None:
    source = open_fast(hub)
    for number in range(9):
        onward = {"Location": f"/zoo/alder/resolve/main/{WEIGHTS}?{number}"}
        hub.hub.fail(Fault(headers=onward, method="HEAD", path=WEIGHTS))
    with pytest.raises(SourceError, match="more than 5 redirects"):
        source.open(WEIGHTS).read(0, 100)


def test_a_file_that_has_no_address_is_asked_for_once_by_all_threads(hub: HubServer) -> None:
    reader = open_fast(hub).open(WEIGHTS)
    hub.hub.fail(Fault(status=403, method="HEAD"), times=None)
    with ThreadPoolExecutor(8) as pool:
        failures = [f.exception() for f in [pool.submit(reader.read, i, 1) for i in range(8)]]
    assert all(isinstance(f, SourceError) for f in failures)
    assert sum(path.startswith("HEAD") for path in hub.hub.paths) == 1


def test_redirects_on_the_hub_keep_the_token_and_are_followed(hub: HubServer, zoo: Path) -> None:
    hub.hub.fail(Fault(status=307, headers={"Location": "/zoo/alder/resolve/main/config.json?cached"}, method="HEAD"))
    source = open_hub("zoo/alder", endpoint=hub.endpoint, token="hf_a", patience=FAST)
    assert source.open("config.json").read(0, 5) == (zoo / "alder" / "config.json").read_bytes()[:5]
    assert [path.partition("?")[2] for path in hub.hub.paths if "config.json" in path] == ["", "cached", "cached"]
    assert set(hub.hub.authorizations) == {"Bearer hf_a"}
    hub.hub.fail(Fault(status=302, headers={"Location": "/elsewhere"}, method="GET", path="config.json"))
    assert source.open("config.json").read(0, 5) == (zoo / "alder" / "config.json").read_bytes()[:5]


def test_a_file_that_is_replaced_while_it_is_read_is_an_error(hub: HubServer, zoo: Path, tmp_path: Path) -> None:
    path = tmp_path / WEIGHTS
    path.write_bytes((zoo / "alder" / WEIGHTS).read_bytes())
    hub.repositories["zoo/alder"].commit(tmp_path)
    reader = weights(hub)
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(SourceError, match="changed"):
        reader.read(100, 100)
    hub.expire_addresses()
    with pytest.raises(SourceError, match="changed"):
        reader.read(100, 100)


def test_a_hub_that_cannot_be_reached_is_an_error_that_names_it() -> None:
    with HubServer() as gone:
        endpoint = gone.endpoint
    with pytest.raises(SourceError, match=endpoint):
        open_hub("zoo/alder", endpoint=endpoint, token=False, patience=FAST)


def test_an_endpoint_that_is_no_hub_is_an_error(hub: HubServer) -> None:
    with pytest.raises(SourceError, match="HF_ENDPOINT"):
        open_hub("zoo/alder", endpoint=f"{hub.endpoint}/zoo/alder/resolve/main/README.md?", token=False, patience=FAST)


def test_a_storage_that_dies_ends_the_reading_soon(hub: HubServer) -> None:
    source = open_fast(hub)
    contents = read_checkpoint(source)[1]
    plan = plan_reading(name_tensors(contents.tensors, {}), Vocabulary(), {})
    hub.storage.fail(Fault(status=503), times=None)
    before = hub.storage.requests
    with pytest.raises(SourceError, match="4 tries"):
        list(read_plan(plan, source))
    assert hub.storage.requests - before <= 4 * source.connections
