"""The pages: what they say, where they lead, and that they say it in the words of the commands."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from html import unescape
from pathlib import Path

import pytest
from markupsafe import Markup
from starlette.testclient import TestClient

from forebear.registry import Registry
from forebear.registry.cli.forms import forms
from forebear.registry.reports.html.images import Image
from forebear.registry.reports.html.sections import FigureGroup
from forebear.registry.server.pages.compare import compare_page
from forebear.registry.server.parameters import Asked
from forebear.registry.server.site import Site
from forebear.registry.server.snapshot import Snapshots
from forebear.registry.server.view import View

from ..conftest import MakeModel, Run
from .conftest import client_of

ATOM = "{http://www.w3.org/2005/Atom}"
PAGES = (
    *("/", "/?q=alder", "/model?name=alder-docs", "/ancestors?name=alder-docs", "/descendants?name=alder"),
    *("/parts?name=alder-merge", "/tree", "/audit", "/audit?kind=relative", "/sql", "/compare", "/api"),
)


def text(page: str) -> str:
    """What a page says, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def links(page: str) -> set[str]:
    return set(map(unescape, re.findall(r'href="(/[^"]*)"', page)))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_whole_and_every_link_on_it_leads_somewhere(client: TestClient, path: str) -> None:
    found = client.get(path)
    assert found.status_code == 200 and found.headers["content-type"] == "text/html; charset=utf-8"
    assert found.text.count("<main") == found.text.count("</main>") == found.text.count("<h1") == 1
    for link in sorted(links(found.text)):
        if link.startswith(("/model", "/static", "/api", "/audit", "/feed")):
            assert client.get(link).status_code == 200, link


def test_the_search_finds_models_by_a_part_of_the_name_and_by_facts(client: TestClient) -> None:
    assert {"/model?name="} < {link[:12] for link in links(client.get("/?q=docs").text)} | {"/model?name="}
    assert "alder-docs-tests" in client.get("/?q=docs tests").text
    assert "alder-docs" not in client.get("/?q=birch").text
    assert "No model of the registry passes" in client.get("/?q=license=none").text


def test_ancestors_are_those_of_the_command_with_reasons_and_what_they_rest_on(
    client: TestClient, run: Run, audited_zoo: Path
) -> None:
    shown = text(client.get("/ancestors?name=alder-docs").text)
    rows = run("--registry", audited_zoo, "ancestors", "alder-docs", "--format", "csv").out.splitlines()
    assert len(rows) > 5
    document = client.get("/api/ancestors?name=alder-docs").json()
    first = next(row for row in document["ancestors"] if row["name"] == "alder")
    assert first["rank"] == 1 and "ancestor" in shown
    assert first["reason"] in shown and all(by in shown for by in first["direction_by"])
    assert document["components"][0]["sentence"] in shown


def test_a_model_page_says_what_was_read_what_was_not_and_what_was_declared(client: TestClient) -> None:
    shown = text(client.get("/model?name=alder-docs").text)
    assert "declared parents alder (card)" in shown and "611.9 kB of 781.0 kB" in shown
    assert "Every tensor has a fingerprint." in shown and "nearest ancestors" in shown
    assert "confirmed" in shown


def test_the_recipe_is_that_of_the_command(client: TestClient, run: Run, audited_zoo: Path) -> None:
    shown = text(client.get("/recipe?name=birch").text)
    said = run("--registry", audited_zoo, "recipe", "birch").out.splitlines()[0]
    assert "no merge" in said and said.strip() in shown


def test_two_models_stand_side_by_side_with_the_figures_of_the_report(
    snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figures themselves take 10 s, and the browser's tests draw them; here the page is asked in this process."""
    image = Image(Markup("data:image/png;base64,AAAA"), "an image")
    groups = [FigureGroup(f"figure {number}", "shows", "null", (("", (image,)),)) for number in range(6)]
    monkeypatch.setattr("forebear.registry.reports.html.page.component_figures", lambda part: groups)
    with snapshots.reading() as (registry, snapshot):
        values = Asked({"a": "alder", "b": "alder-docs"})
        page = compare_page(Site(forms()), View(registry, snapshot), values).body.decode()
    assert page.count("<figure") == 7 and page.count('src="data:image/') == 7
    assert 'id="verdict"' in page and "the server opens no sources for a page" in page


def test_findings_pass_the_filters_that_are_set(client: TestClient) -> None:
    everything = client.get("/api/audit").json()["findings"]
    some = client.get("/api/audit?kind=ancestor&status=confirmed&name=docs").json()["findings"]
    wanted = [
        row
        for row in everything
        if row["kind"] == "ancestor"
        and row["status"] == "confirmed"
        and ("docs" in row["query"] or "docs" in row["relative"])
    ]
    assert 0 < len(some) < len(everything) and some == wanted
    assert "No finding passes." in client.get("/audit?name=no-such-model").text


def test_the_tree_draws_every_model_and_leads_to_its_page(client: TestClient) -> None:
    page = client.get("/tree").text
    nodes = client.get("/api/tree").json()["nodes"]
    assert len(nodes) == 5 and all(f">{node['name']}" in page for node in nodes)
    assert sum(link.startswith("/model?name=file") for link in links(page)) >= len(nodes)
    assert "no model of the registry passes" in client.get("/tree?filter=nobody").text


def test_the_feed_is_atom_and_its_entries_keep_their_ids(client: TestClient) -> None:
    found = client.get("/feed.atom")
    feed = ElementTree.fromstring(found.text)
    assert found.headers["content-type"].startswith("application/atom+xml") and feed.tag == f"{ATOM}feed"
    entries = feed.findall(f"{ATOM}entry")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert entries and len(set(ids)) == len(ids)
    assert all(entry.findtext(f"{ATOM}{name}") for entry in entries for name in ("title", "updated", "summary"))
    assert all(feed.findtext(f"{ATOM}{name}") for name in ("id", "title", "updated"))


def test_what_is_not_there_is_told_with_what_may_be_meant(client: TestClient) -> None:
    found = client.get("/model?name=alder-dosc")
    assert found.status_code == 404 and "did you mean 'alder-docs'" in text(found.text)
    assert client.get("/nothing").status_code == 404
    refused = client.post("/model")
    assert refused.status_code == 405 and "GET" in refused.headers["allow"]


def test_a_model_is_found_by_just_its_name_whatever_that_holds(tmp_path: Path, make_model: MakeModel) -> None:
    names = ("a&b=c#d", "[link](x)", "back\\slash", "q?x=1")
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(*(make_model(name, seed) for seed, name in enumerate(names)))
    with Snapshots(tmp_path / "r.duckdb") as copy, client_of(tmp_path / "r.duckdb", copy) as client:
        for name in names:
            answer = client.get("/api/models", params={"q": name}).json()
            assert ([model["name"] for model in answer["models"]], answer["passing"]) == ([name], 1)
        assert client.get("/api/models", params={"q": "nothing=1"}).status_code == 400
        assert client.get("/api/models", params={"q": "[nobody"}).json()["passing"] == 0


def test_behind_the_last_page_it_is_said_how_many_there_are(client: TestClient) -> None:
    for path, passing in (("models?page=2", 7), ("models?page=2&q=docs", 2), ("models?page=2&q=nobody", 0)):
        answer = client.get(f"/api/{path}").json()
        assert (answer["models"], answer["passing"]) == ([], passing)
    found = text(client.get("/?page=3&q=docs").text)
    assert "There is no page 3: 2 models stand on 1. The last page" in found and "No model" not in found
    assert "No further finding passes" in client.get("/audit?page=9").text
