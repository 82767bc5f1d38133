"""A question about a repository of the Hub that is not registered: its date and what is claimed of it are known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from forebear.ingest.model import ModelFingerprint, fingerprint_model
from forebear.ingest.sources.hub import open_hub
from forebear.registry import Registry
from forebear.registry.jobs.question import unregistered_query
from forebear.registry.reports.asking import ask

from ...hub_server import HubServer

PUBLISHED = "HuggingFaceTB/SmolLM2-135M"


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


def read(hub: HubServer, name: str, folder: Path, created: str) -> ModelFingerprint:
    hub.add(name, folder, info={"createdAt": created})
    source = open_hub(name, endpoint=hub.endpoint, token=False)
    try:
        return fingerprint_model(source)
    finally:
        source.close()


def test_its_release_date_and_the_claim_of_a_published_root_are_part_of_the_question(
    hub: HubServer, zoo: Path, registry_path: Path
) -> None:
    plain = read(hub, "org/alder", zoo / "alder", "2025-06-01T12:00:00.000Z")
    root = read(hub, PUBLISHED, zoo / "alder", "2025-06-02T12:00:00.000Z")
    with Registry(registry_path) as registry:
        queries = [unregistered_query(registry.connection, made) for made in (plain, root)]
    assert [query.released_at for query in queries] == [datetime(2025, 6, 1, 12), datetime(2025, 6, 2, 12)]
    assert [query.root for query in queries] == [None, f"https://huggingface.co/{PUBLISHED}"]


def test_nothing_registered_is_an_ancestor_of_a_published_root(hub: HubServer, zoo: Path, registry_path: Path) -> None:
    root = read(hub, PUBLISHED, zoo / "alder", "2025-06-02T12:00:00.000Z")
    with Registry(registry_path) as registry:
        registry.ingest(zoo / "alder-tests", zoo / "alder-moe")
        rows = [row for row in ask(registry.connection, root, 5).components[0].ancestors if row.origin == "derivation"]
    assert len(rows) == 2
    for row in rows:
        assert row.direction_probability <= 0.05
        assert row.direction_by[0].startswith("the claim that the query was trained from scratch (https://")


def test_what_was_released_after_it_is_no_ancestor_of_it(hub: HubServer, zoo: Path, registry_path: Path) -> None:
    made = read(hub, "org/alder", zoo / "alder", "2025-06-02T12:00:00.000Z")
    with Registry(registry_path) as registry:
        registry.ingest(zoo / "alder-tests", zoo / "alder-docs")
        later = datetime(2025, 6, 3)
        registry.connection.execute("UPDATE model SET released_at = ? WHERE name = 'alder-tests'", [later])
        rows = {row.name: row for row in ask(registry.connection, made, 5).components[0].ancestors}
    assert rows["alder-tests"].direction_probability == 0
    assert "claimed release dates" in rows["alder-tests"].direction_by
    assert rows["alder-docs"].direction_probability > 0
    assert "claimed release dates" not in rows["alder-docs"].direction_by


@pytest.mark.parametrize("year", [1, 1970, 9999])
def test_a_registered_date_that_stands_for_none_says_nothing_of_who_came_first(
    zoo: Path, registry_path: Path, year: int
) -> None:
    with Registry(registry_path) as registry:
        registry.ingest(zoo / "alder-tests", zoo / "alder")
        registry.connection.execute("UPDATE model SET released_at = ?", [datetime(year, 1, 1)])
        registry.connection.execute("UPDATE model SET released_at = '2025-06-03' WHERE name = 'alder'")
        for name in ("alder", "alder-tests"):
            (row,) = registry.ancestors(name).components[0].ancestors
            assert 0 < row.direction_probability < 0.95 and "claimed release dates" not in row.direction_by
        assert registry.audit().counts()["ancestor.direction_unknown"] == 1


def test_a_registered_date_after_the_day_of_reading_rules_nothing_out(zoo: Path, registry_path: Path) -> None:
    with Registry(registry_path) as registry:
        registry.ingest(zoo / "alder-tests", zoo / "alder")
        registry.connection.execute("UPDATE model SET released_at = '2099-01-01' WHERE name = 'alder'")
        registry.connection.execute("UPDATE model SET released_at = '2025-06-03' WHERE name = 'alder-tests'")
        (row,) = registry.ancestors("alder-tests").components[0].ancestors
    assert row.direction_probability > 0 and "claimed release dates" not in row.direction_by
