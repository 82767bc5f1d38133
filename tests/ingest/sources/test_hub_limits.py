"""A Hub that sends too much, too slowly, packed, or elsewhere. Loopback addresses only: what is public is made up."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import get_args

import pytest
from huggingface_hub import HfApi

from forebear.ingest.budget import Limit
from forebear.ingest.errors import SourceError
from forebear.ingest.sources import hub_guard, hub_listing, hub_places
from forebear.ingest.sources.hub import open_hub
from forebear.ingest.sources.hub_errors import CLIENT_ERROR
from forebear.ingest.sources.hub_listing import list_hub
from forebear.ingest.sources.hub_patience import Patience
from forebear.ingest.sources.hub_places import Place, may_lead, place_of
from tests.hub_hosts import Host, Request

ONCE = Patience(tries=1, timeout=5.0)
HURRIED = Patience(tries=1, timeout=5.0, answer=Limit(1, "seconds for one answer of the Hub"))

Serve = Callable[..., Host]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a host that answers every request by a function; the address is one of 127.0.0.0/8."""
    with ExitStack() as stack:

        def start(route: Callable[[Request], None], address: str = "127.0.0.1") -> Host:
            host = Host(route, 0.0, address)
            stack.callback(host.close)
            return host

        yield start


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.1 and 127.0.0.3 count as public, 127.0.0.2 as private, all others as they are."""
    real = place_of
    said: dict[str, Place] = {"127.0.0.1": "public", "127.0.0.2": "private", "127.0.0.3": "public"}
    monkeypatch.setattr(hub_places, "place_of", lambda address: said.get(address) or real(address))


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.0.9", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("10.0.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("fd00::1", "private"),
        ("100.64.0.1", "private"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::a00:1", "private"),
        ("2002:a00:1::", "private"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("0.0.0.0", "reserved"),
        ("::", "reserved"),
        ("224.0.0.1", "reserved"),
        ("172.32.0.1", "public"),
        ("18.155.68.1", "public"),
        ("2600:9000::1", "public"),
    ],
)
def test_an_address_is_of_the_kind_that_its_range_says(address: str, place: Place) -> None:
    assert place_of(address) == place


def test_a_public_endpoint_leads_to_public_addresses_only() -> None:
    assert [target for target in get_args(Place) if may_lead(frozenset({"public"}), target)] == ["public"]


def test_an_endpoint_leads_to_its_own_kind_and_this_machine_to_its_network() -> None:
    assert may_lead(frozenset({"loopback"}), "loopback")
    assert may_lead(frozenset({"loopback"}), "private")
    assert may_lead(frozenset({"private"}), "private")
    assert not may_lead(frozenset({"private"}), "loopback")
    assert not may_lead(frozenset({"loopback"}), "link-local")
    assert not may_lead(frozenset(), "private")


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_into_a_private_range_is_refused_before_it_is_followed(serve: Serve, status: int) -> None:
    inside = serve(lambda request: request.json({}), "127.0.0.2")
    hub = serve(lambda request: request.refuse(status, {"Location": f"{inside.url}/latest/meta-data"}))
    with pytest.raises(SourceError, match=r"leads to 127\.0\.0\.2, a private address"):
        open_hub("org/model", endpoint=hub.url, token=False, patience=ONCE)
    assert hub.requests == 1
    assert inside.requests == 0


@pytest.mark.usefixtures("made_up")
def test_a_redirect_between_public_addresses_is_followed(serve: Serve) -> None:
    other = serve(lambda request: request.json([]), "127.0.0.3")
    hub = serve(lambda request: request.refuse(302, {"Location": f"{other.url}/x"}))
    assert list_hub(endpoint=hub.url, token=False, patience=ONCE) == []
    assert other.requests == 1


@pytest.mark.usefixtures("made_up")
def test_the_next_page_of_a_list_cannot_lie_in_a_private_range(serve: Serve) -> None:
    inside = serve(lambda request: request.json([]), "127.0.0.2")
    hub = serve(lambda request: request.json([{"id": "o/m"}], {"Link": f'<{inside.url}/api/models>; rel="next"'}))
    with pytest.raises(SourceError, match="a private address"):
        list_hub(endpoint=hub.url, token=False, patience=ONCE)
    assert inside.requests == 0


@pytest.mark.usefixtures("made_up")
def test_a_file_stored_in_a_private_range_is_not_read(serve: Serve) -> None:
    inside = serve(lambda request: request.refuse(200, {}), "127.0.0.2")

    def answer(request: Request) -> None:
        if request.path.startswith("/api"):
            files = [{"rfilename": "model.safetensors", "size": 9}]
            request.json({"id": "o/m", "sha": "a" * 40, "siblings": files})
        else:
            request.refuse(302, {"Location": f"{inside.url}/x", "X-Linked-Size": "9"})

    source = open_hub("o/m", endpoint=serve(answer).url, token=False, patience=ONCE)
    with pytest.raises(SourceError, match="a private address"):
        source.open("model.safetensors").read(0, 9)
    assert inside.requests == 0


@pytest.mark.usefixtures("made_up")
def test_a_name_that_is_public_when_asked_and_private_when_connected_gives_nothing(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    for proxy in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "no_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    inside = serve(lambda request: request.json({"id": "o/m", "sha": "a" * 40, "siblings": []}), "127.0.0.1")
    hub = serve(
        lambda request: request.refuse(302, {"Location": inside.url.replace("127.0.0.1", "localhost")}), "127.0.0.3"
    )
    monkeypatch.setattr(hub_places, "_addresses", lambda host: ("127.0.0.3",))
    said: dict[str, Place] = {"127.0.0.3": "public", "127.0.0.1": "private"}
    monkeypatch.setattr(hub_places, "place_of", lambda address: said[address])
    with pytest.raises(SourceError, match="leads to localhost, a private address"):
        open_hub("o/m", endpoint=hub.url, token=False, patience=ONCE)


def test_an_endless_answer_is_given_up_at_the_limit_of_bytes(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_guard.Guard.__init__, "__defaults__", _defaults(answer_bytes=100_000))

    def answer(request: Request) -> None:
        request.start(200, {"Content-Type": "application/json"})
        while True:
            request.write(b" " * 10_000)

    hub = serve(answer)
    with pytest.raises(SourceError, match="bytes of one answer of the Hub are over the limit of 100000; set FOREBEAR"):
        open_hub("org/model", endpoint=hub.url, token=False, patience=ONCE)


def _defaults(answer_bytes: int) -> tuple[object, ...]:
    """The defaults of Guard with another limit of bytes."""
    small = Limit(answer_bytes, hub_guard.ANSWER_BYTES.unit)
    return tuple(small if d is hub_guard.ANSWER_BYTES else d for d in hub_guard.Guard.__init__.__defaults__ or ())


def test_an_answer_that_announces_too_much_is_not_read(serve: Serve) -> None:
    hub = serve(lambda request: request.start(200, {"Content-Length": str(1 << 40)}))
    with pytest.raises(SourceError, match=f"{1 << 40} bytes of one answer of the Hub are over the limit of 33554432"):
        open_hub("org/model", endpoint=hub.url, token=False, patience=ONCE)


def test_an_answer_of_a_million_objects_is_refused_before_it_is_parsed(serve: Serve) -> None:
    body = b'{"siblings": [' + b'{"a":0},' * 1_000_000 + b"{}]}"

    def answer(request: Request) -> None:
        request.start(200, {"Content-Length": str(len(body))})
        request.write(body)

    with pytest.raises(SourceError, match="bytes of memory for the objects of one answer of the Hub are over"):
        open_hub("org/model", endpoint=serve(answer).url, token=False, patience=ONCE)


def test_a_packed_answer_is_refused_before_it_is_unpacked(serve: Serve) -> None:
    body = gzip.compress(b" " * (1 << 24))
    asked: list[str | None] = []

    def answer(request: Request) -> None:
        asked.append(request.headers.get("accept-encoding"))
        request.start(200, {"Content-Length": str(len(body)), "Content-Encoding": "gzip"})
        request.write(body)

    with pytest.raises(SourceError, match="compresses"):
        open_hub("org/model", endpoint=serve(answer).url, token=False, patience=ONCE)
    assert asked == ["identity"]


def test_a_million_files_are_more_than_one_repository_has(serve: Serve) -> None:
    files = [{"rfilename": f"f{i}", "size": 1} for i in range(20_001)]
    hub = serve(lambda request: request.json({"id": "o/m", "sha": "a" * 40, "siblings": files}))
    with pytest.raises(SourceError, match="20001 files of one repository are over the limit of 20000"):
        open_hub("o/m", endpoint=hub.url, token=False, patience=ONCE)


def test_pages_without_a_model_and_without_an_end_are_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_guard, "ANSWERS", Limit(20, hub_guard.ANSWERS.unit))
    hub = serve(lambda request: request.json([], {"Link": '</api/models?cursor=1>; rel="next"'}))

    def answer(request: Request) -> None:
        request.json([], {"Link": f'<{hub.url}/api/models?cursor=1>; rel="next"'})

    endless = serve(answer)
    hub._route = answer
    with pytest.raises(SourceError, match="21 answers of the Hub to one question are over the limit of 20"):
        list_hub(endpoint=endless.url, token=False, patience=ONCE)


def test_a_list_without_an_end_is_given_up_at_its_limit(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_listing, "LISTED", Limit(5000, "models of one listing"))
    page = [{"id": f"org/m{i}"} for i in range(1000)]
    hosts: list[Host] = []
    hosts.append(
        serve(lambda request: request.json(page, {"Link": f'<{hosts[0].url}/api/models?cursor=1>; rel="next"'}))
    )
    with pytest.raises(SourceError, match=r"5001 models of one listing .* or give a later --since"):
        list_hub(endpoint=hosts[0].url, token=False, patience=ONCE)
    assert hosts[0].requests == 6


def test_a_body_that_trickles_ends_at_the_deadline(serve: Serve) -> None:
    def answer(request: Request) -> None:
        request.start(200, {"Content-Length": "1000000"})
        for _ in range(1000):
            request.write(b" ")
            time.sleep(0.05)

    began = time.monotonic()
    with pytest.raises(SourceError, match="too slow: 2 seconds for one answer of the Hub are over the limit of 1"):
        open_hub("org/model", endpoint=serve(answer).url, token=False, patience=HURRIED)
    assert time.monotonic() - began < 6


def test_headers_that_trickle_end_at_the_deadline() -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not stop.wait(0.05):
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        try:
            with pytest.raises(SourceError, match="too slow"):
                open_hub("o/m", endpoint=f"http://127.0.0.1:{server.getsockname()[1]}", token=False, patience=HURRIED)
            assert time.monotonic() - began < 6
        finally:
            stop.set()
            thread.join()


def test_a_limit_is_raised_by_the_environment(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [{"rfilename": f"f{i}", "size": 1} for i in range(20_001)]
    hub = serve(lambda request: request.json({"id": "o/m", "sha": "a" * 40, "siblings": files}))
    monkeypatch.setenv("FOREBEAR_LIMITS", "2")
    source = open_hub("o/m", endpoint=hub.url, token=False, patience=ONCE)
    assert len(source.files) == 20_001


def test_other_users_of_the_client_are_left_alone(serve: Serve) -> None:
    from huggingface_hub.utils import get_session

    body = gzip.compress(json.dumps({"id": "o/m", "sha": "a" * 40, "siblings": []}).encode())

    def answer(request: Request) -> None:
        request.start(200, {"Content-Length": str(len(body)), "Content-Encoding": "gzip"})
        request.write(body)

    hub = serve(answer)
    with pytest.raises(SourceError, match="compresses"):
        open_hub("org/model", endpoint=hub.url, token=False, patience=ONCE)
    assert get_session().get(hub.url).json()["id"] == "o/m"


def test_a_hub_that_cannot_be_reached_is_not_asked_again_after_the_tries_of_its_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def unreachable(api: object, **filters: object) -> None:
        asked.append("once")
        raise CLIENT_ERROR("Name or service not known")

    monkeypatch.setattr(HfApi, "list_models", unreachable)
    with pytest.raises(SourceError, match="Name or service not known; check the connection, or try again later"):
        list_hub(endpoint="http://127.0.0.1:9", token=False, patience=Patience(tries=3, first=0.01))
    assert asked == ["once"]
