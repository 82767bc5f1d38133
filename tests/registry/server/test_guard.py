"""Hostile requests: other sites, other names, large bodies, paths, strangers' markup; and a limit on rates."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from forebear.registry import Registry
from forebear.registry.server.guard import HEADERS, LARGEST_BODY
from forebear.registry.server.snapshot import Snapshots

from .conftest import HOST, client_of

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}\u202e\x1b[31m"


@pytest.fixture(scope="module")
def strangers(audited_zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry in which every text that a stranger chooses is an attack."""
    path = tmp_path_factory.mktemp("strangers") / "registry.duckdb"
    shutil.copy(audited_zoo, path)
    with Registry(path) as registry:
        run = registry.connection.execute
        values = {"evil": EVIL}
        run("UPDATE model SET name = $evil || name, license = $evil, architecture = $evil", values)
        run("UPDATE declared_parent SET parent = $evil", values)
        run("UPDATE audit_model SET name = $evil || name, license = $evil", values)
        run("UPDATE audit_finding SET declared = $evil, reason = $evil", values)
        run("UPDATE audit_pair SET reason = $evil, direction_by = $evil", values)
    return path


def test_markup_in_names_and_cards_is_text_on_every_page(strangers: Path) -> None:
    with Snapshots(strangers) as copy, client_of(strangers, copy) as client, copy.reading() as (registry, _):
        source = next(m.uri for m in registry.models() if m.name.endswith("alder-docs"))
        shown = 0
        for path, values in (
            ("/", {"q": EVIL}),
            ("/", {}),
            ("/model", {"name": source}),
            ("/model", {"name": EVIL}),
            ("/ancestors", {"name": source}),
            ("/parts", {"name": source}),
            ("/tree", {}),
            ("/tree", {"filter": EVIL}),
            ("/audit", {}),
            ("/audit", {"name": EVIL}),
            ("/audit", {"kind": "relative"}),
            ("/sql", {"q": "SELECT name FROM model"}),
            ("/sql", {"q": f"SELECT {EVIL}"}),
            ("/compare", {"a": EVIL, "b": ""}),
            ("/feed.atom", {}),
        ):
            found = client.get(path, params=values)
            assert found.status_code in {200, 400, 404, 409}, path
            assert not any(
                bad in found.text for bad in ("<script>alert", "<img src=x", "onerror=alert(2)>", "\u202e", "\x1b")
            )
            assert found.text.count("&lt;script&gt;alert(1)") <= found.text.count("{{7*7}}")
            shown += "&lt;script&gt;alert(1)" in found.text
        assert shown >= 12


@pytest.mark.parametrize(
    "path",
    ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/", "//etc/passwd", "/static/app.py"],
)
def test_no_path_leads_out_of_the_static_files(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("name", ["/etc/passwd", "./x", "~/x", "file:///etc/passwd", "hf://org/x", "org/x", ".."])
def test_a_name_never_makes_the_server_read_a_path_or_ask_a_host(client: TestClient, name: str) -> None:
    for question in ("ancestors", "parts", "recipe", "model", "descendants"):
        assert client.get(f"/api/{question}", params={"name": name}).status_code == 404
    assert client.get("/api/compare", params={"a": "alder", "b": name}).status_code == 404


def test_every_answer_has_the_headers_that_bind_a_browser(client: TestClient) -> None:
    for path in ("/", "/api/models", "/nothing", "/static/site.js", "/api/nothing", "/model?name=nobody"):
        found = client.get(path)
        assert {name: found.headers.get(name) for name in HEADERS} == HEADERS, path
        assert "access-control-allow-origin" not in found.headers
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def test_pages_have_no_inline_script_style_or_handler(client: TestClient) -> None:
    for path in ("/", "/model?name=alder", "/ancestors?name=alder", "/tree", "/audit", "/sql", "/compare"):
        page = client.get(path).text
        assert page.count("<script") == 1 and "<style" not in page and " style=" not in page and " onclick" not in page


HOSTS = ("evil.example", "127.0.0.1.evil.example", "evil.example:80", "a/b", "", "127.0.0.2", "[x", "a]b")
SITES: tuple[dict[str, str], ...] = (
    *({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://[x"}),
    {"Sec-Fetch-Site": "cross-site"},
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_server_answers_to_its_own_names_alone(client: TestClient, host: str) -> None:
    assert client.get("/api/models", headers={"Host": host}).status_code == 421
    assert client.get("/api/models", headers={"Host": "localhost:8765"}).status_code == 200


@pytest.mark.parametrize("headers", SITES)
def test_what_another_site_posts_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    found = client.post("/api/sql", json={"q": "SELECT 1"}, headers=headers)
    assert found.status_code == 403 and found.json() == {"error": "asked from another site"}
    assert client.get("/sql?q=SELECT+1", headers=headers).status_code == 403
    assert client.post("/api/sql", json={"q": "SELECT 1 AS one"}, headers={"Origin": HOST}).status_code == 200
    form = client.post("/api/sql", content="q=1", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert form.status_code == 400


def test_large_bodies_and_addresses_are_refused_before_they_are_read(client: TestClient) -> None:
    large = b"x" * (LARGEST_BODY + 1)
    assert client.post("/api/sql", content=large).status_code == 413
    chunks = (large[i : i + 1000] for i in range(0, len(large), 1000))
    headers = {"Content-Type": "application/json"}
    assert client.post("/api/sql", content=chunks, headers=headers).status_code == 413
    assert client.get("/api/models?q=" + "x" * 20_000).status_code == 414
    assert client.post("/api/sql", content=b"[" * 60_000, headers=headers).status_code == 400


def test_an_address_that_asks_too_often_is_told_when_to_come_back(audited_zoo: Path, snapshots: Snapshots) -> None:
    with client_of(audited_zoo, snapshots, rate=0.5) as client:
        codes = [client.get("/healthz").status_code for _ in range(8)]
        assert codes[:5] == [200] * 5 and codes[5:] == [429] * 3
        assert int(client.get("/").headers["retry-after"]) >= 1


def test_without_leave_nothing_can_be_ingested(client: TestClient) -> None:
    assert client.post("/api/ingest", json={"source": "org/name"}).status_code == 404
    assert client.get("/ingest").status_code == 404
