"""What is computed once, for how long it is kept, and what becomes of work in the process of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from forebear.registry import Registry
from forebear.registry.cli.forms import forms
from forebear.registry.server.desk import Desk, RestsOn
from forebear.registry.server.endpoints import API, PAGES
from forebear.registry.server.parameters import Asked, asked
from forebear.registry.server.ranker import Ranker
from forebear.registry.server.site import Site
from forebear.registry.server.snapshot import Snapshots
from forebear.registry.server.view import JSON, Answer, NotThere, Unusable, View

ANCESTORS = Asked({"name": "alder-docs", "k": 3})


@pytest.fixture
def ranker() -> Iterator[Ranker]:
    found = Ranker(Site(forms()))
    yield found
    found.close()


def test_what_rests_on_the_audit_outlives_a_version_of_the_registry_and_nothing_else_does(
    snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions: list[str] = []

    def work(view: View) -> Answer:
        versions.append(view.snapshot.version)
        return Answer(b"{}", JSON)

    async def ask(desk: Desk, rests_on: RestsOn) -> None:
        await desk.answer("question", "light", work, rests_on)

    async def all_of_it() -> None:
        desk = Desk(snapshots)
        for rests_on in ("registry", "audit", "registry", "audit"):
            await ask(desk, rests_on)
        assert len(versions) == 2
        monkeypatch.setattr(snapshots._current, "version", "another")
        await ask(desk, "audit")
        assert len(versions) == 2
        await ask(desk, "registry")
        assert len(versions) == 3
        monkeypatch.setattr(snapshots._current, "audited", None)
        await ask(desk, "audit")
        assert len(versions) == 4
        desk.close()

    asyncio.run(all_of_it())


def test_answers_that_outlive_a_version_are_the_same_when_models_come_and_go(audited_zoo: Path, tmp_path: Path) -> None:
    place = tmp_path / "registry.duckdb"
    shutil.copyfile(audited_zoo, place)

    def answers() -> list[Answer]:
        with Snapshots(place) as copy, copy.reading() as (registry, snapshot):
            view = View(registry, snapshot)
            return [one.run(Site(forms()), view, asked(one.parameters, {})) for one in lasting]

    lasting = [one for one in (*PAGES, *API) if one.rests_on == "audit"]
    before = answers()
    with Registry(place) as registry:
        registry.remove("birch")
        registry.mark_root("alder", source="somebody")
    assert len(before) == 3 and answers() == before


def test_another_process_answers_and_refuses_as_this_one_and_is_replaced_when_it_dies(
    snapshots: Snapshots, ranker: Ranker
) -> None:
    endpoint = next(one for one in API if one.path == "/api/ancestors")
    with snapshots.reading() as (registry, snapshot):
        here = endpoint.run(Site(forms()), View(registry, snapshot), ANCESTORS)
        with pytest.raises(NotThere, match="'nobody' is not in the registry"):
            ranker.answer(snapshot, endpoint.path, Asked({"name": "nobody", "k": 3}))
        for process in multiprocessing.active_children():
            os.kill(process.pid or 0, signal.SIGKILL)
            process.join()
        with pytest.raises(Unusable, match="was ended"):
            ranker.answer(snapshot, endpoint.path, ANCESTORS)
        assert ranker.answer(snapshot, endpoint.path, ANCESTORS) == here
