"""Findings in memory are those that the queries give, row for row, for every page that a visitor may ask for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest

from forebear.registry import AuditOptions, Registry
from forebear.registry.audit import known
from forebear.registry.audit.known import Audited, audited
from forebear.registry.audit.report import KINDS, findings_of_model, some_findings
from forebear.registry.cli.forms import forms
from forebear.registry.server.endpoints import API, PAGES
from forebear.registry.server.pages import audit
from forebear.registry.server.pages.audit import STATUSES
from forebear.registry.server.parameters import asked
from forebear.registry.server.site import Site
from forebear.registry.server.snapshot import Snapshots
from forebear.registry.server.view import View

from .conftest import client_of

ATOM = "{http://www.w3.org/2005/Atom}"
SHOWN = tuple(kind for kind in KINDS if kind != "relative")
FALSE = """merge_method: linear
models:
- {model: alder-docs, parameters: {weight: 3}}
- {model: alder-tests, parameters: {weight: 1}}
"""


@pytest.fixture(scope="module")
def registry(audited_zoo: Path) -> Iterator[Registry]:
    with Registry(audited_zoo, read_only=True) as found:
        yield found


@pytest.fixture(scope="module")
def newest(registry: Registry) -> Audited:
    found = audited(registry.connection, None)
    assert found is not None and found.findings is not None
    return found


@pytest.mark.parametrize("part", ["", "DOCS", "_"])
def test_a_page_in_memory_is_that_of_the_query(registry: Registry, newest: Audited, part: str) -> None:
    rows = 0
    for kinds in ([kind] for kind in KINDS):
        for status in STATUSES:
            for most, skipped in ((100, 0), (2, 1)):
                given = {"status": status, "most": most, "skipped": skipped}
                glob = f"*{part}*" if part else ""
                wanted = some_findings(registry.connection, newest.run, "page", kinds=kinds, name=glob, **given).table
                assert newest.findings is not None
                found = newest.findings.page(kinds, part=part, status=status, most=most, skipped=skipped).table
                assert found.equals(wanted)
                rows += found.num_rows
    assert (rows > 0) == (part in {"", "DOCS"})


def test_findings_of_every_model_in_memory_are_those_of_the_query_and_of_the_report(
    registry: Registry, newest: Audited
) -> None:
    every = some_findings(registry.connection, newest.run, "rows", kinds=list(SHOWN)).table.to_pylist()
    assert newest.findings is not None
    some = 0
    for uri in [*(model.uri for model in registry.models()), "hf://no/body"]:
        found = newest.findings.of_model(uri, SHOWN, 100).table
        assert found.equals(findings_of_model(registry.connection, newest.run, uri, SHOWN, 100).table)
        mine = [row for row in every if uri in (row["query_source"], row["relative_source"])]
        told = [row for row in mine if row["status"] != "not_judged"]
        assert found.num_rows == len(told) and all(row in told for row in found.to_pylist())
        assert newest.findings.of_model(uri, SHOWN, 1).table.equals(found.slice(0, 1))
        some += found.num_rows
    assert some > 10


def test_pages_are_the_same_where_a_run_is_too_large_for_memory(
    audited_zoo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = [one for one in (*PAGES, *API) if one.rests_on == "audit"]
    model = next(one for one in PAGES if one.path == "/model")

    def answers(most: int) -> list[bytes]:
        monkeypatch.setattr(known, "MOST_KEPT", most)
        with Snapshots(audited_zoo) as copy, copy.reading() as (registry, snapshot):
            assert snapshot.audited and (snapshot.audited.findings is None) == (most == 0)
            view = View(registry, snapshot)
            site = Site(forms())
            about = model.run(site, view, asked(model.parameters, {"name": "alder-docs"}))
            return [about.body, *(one.run(site, view, asked(one.parameters, {})).body for one in lasting)]

    assert answers(0) == answers(1_000_000)


def test_the_findings_of_a_run_are_read_once(registry: Registry, newest: Audited) -> None:
    assert audited(registry.connection, newest) is newest


def test_the_feed_has_the_newest_findings_first_and_says_how_many_it_leaves_out(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(zoo / "alder-tests", zoo / "alder-docs", zoo / "alder")
        registry.audit(AuditOptions(jobs=1))
        registry.connection.execute("UPDATE audit_run SET finished_at = finished_at - INTERVAL 1 DAY")
        registry.ingest(zoo / "alder-moe")
        registry.audit(AuditOptions(jobs=1))

    def fed() -> tuple[str, list[tuple[str, str]]]:
        with Snapshots(tmp_path / "r.duckdb") as copy, client_of(tmp_path / "r.duckdb", copy) as client:
            feed = ElementTree.fromstring(client.get("/feed.atom").text)
        entries = feed.findall(f"{ATOM}entry")
        dated = [(e.findtext(f"{ATOM}updated") or "", e.findtext(f"{ATOM}title") or "") for e in entries]
        return feed.findtext(f"{ATOM}subtitle") or "", dated

    said, entries = fed()
    assert said == f"All {len(entries)} findings of audit 2 that need a look; /audit has all"
    assert len({date for date, _ in entries}) == 2 and entries == sorted(entries, key=lambda e: e[0], reverse=True)
    assert "alder-moe" in entries[0][1] and "alder-moe" not in entries[-1][1]
    monkeypatch.setattr(audit, "_ENTRIES", 1)
    assert fed() == (
        f"The newest 1 of {len(entries)} findings of audit 2 that need a look; /audit has all",
        entries[:1],
    )


def test_a_contradicted_recipe_is_on_the_pages_in_the_api_and_in_the_feed(zoo: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(zoo / "alder-merge", tmp_path / "alder-merge"))
    (folder / "mergekit_config.yml").write_text(FALSE)
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(folder, zoo / "alder-docs", zoo / "alder-tests")
        registry.audit(AuditOptions(jobs=1))
    with Snapshots(tmp_path / "r.duckdb") as copy, client_of(tmp_path / "r.duckdb", copy) as client:
        rows = client.get("/api/audit?kind=recipe&status=recipe_contradicted").json()["findings"]
        assert {row["query"] for row in rows} == {"alder-merge"}
        shown = client.get("/audit").text
        for said in (shown, client.get("/model?name=alder-merge").text, client.get("/feed.atom").text):
            assert "declared with weight 0.75" in said
        counted = re.findall(r'<li><a href="([^"]*)"><b>', shown)
        assert len(counted) > 2
        for link in counted:
            found = client.get(unescape(link))
            assert found.status_code == 200 and "No finding passes" not in found.text, link
