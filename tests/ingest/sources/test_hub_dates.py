"""Dates as Hubs write them: every ISO spelling is understood, and none of them costs a model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forebear.ingest.sources.hub import HubSource, open_hub
from forebear.ingest.sources.hub_listing import list_hub
from tests.hub_server import HubServer


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


def opened(hub: HubServer, folder: Path, **info: object) -> HubSource:
    hub.add("zoo/birch", folder, info=info)
    return open_hub("zoo/birch", endpoint=hub.endpoint, token=False)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-01-02T03:04:05+09:00", datetime(2026, 1, 1, 18, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.123456789-02:30", datetime(2026, 1, 2, 5, 34, 5, 123456, tzinfo=UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02 03:04", datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
    ],
)
def test_every_iso_spelling_of_a_date_is_understood(hub: HubServer, zoo: Path, said: str, meant: datetime) -> None:
    card = opened(hub, zoo / "birch", createdAt=said, lastModified=said).card
    assert (card.created, card.modified, card.notes) == (meant, meant, ())
    (listed,) = list_hub(endpoint=hub.endpoint, token=False)
    assert listed.created == listed.modified == meant.replace(tzinfo=None)


@pytest.mark.parametrize(
    "said", ["02/01/2026", "2026-13-45", "0001-01-01T00:00:00+09:00", 1767322800, [2026], {"a": 1}]
)
def test_a_date_that_is_not_understood_is_said_and_costs_nothing_else(hub: HubServer, zoo: Path, said: object) -> None:
    card = opened(hub, zoo / "birch", createdAt=said, lastModified="2026-01-02T03:04:05.000Z").card
    assert (card.created, card.modified) == (None, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    (note,) = card.notes
    assert "its createdAt " in note and "is not understood: no date is kept" in note
    (listed,) = list_hub(endpoint=hub.endpoint, token=False)
    assert (listed.name, listed.created) == ("zoo/birch", None)


def test_a_date_in_the_future_is_said_and_not_believed(hub: HubServer, zoo: Path) -> None:
    card = opened(hub, zoo / "birch", createdAt="2099-01-01T00:00:00.000Z").card
    assert (card.created, card.notes) == (None, ("its createdAt 2099-01-01 lies in the future: no date is kept",))
    soon = datetime.now(UTC) + timedelta(hours=13)  # a clock or a zone of another place
    card = opened(hub, zoo / "birch", createdAt=soon.isoformat()).card
    assert (card.created, card.notes) == (soon, ())
