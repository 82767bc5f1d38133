"""New models of the Hub into the registry, run after run, each with its top ancestor.

What a run comes through is remembered for each set of filters. A run that is cut short moves nothing: the next one
lists the same models again, and those that are registered at their commit are not read again. With a limit, the oldest
come first, so that the rest is left for the next run.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from ..queries.records import Ancestor, Verdict
from .database import query
from .models import newest_model
from .outcome import Failed, Ingested, Outcome, Skipped, Unchanged
from .transactions import committed

if TYPE_CHECKING:
    from ..ingest.sources.hub_listing import Listed
    from .registry import Registry

FIRST = 100
"""Models that the first run without a limit and without a date begins with: the Hub has millions."""
RETRIES = 500
"""Earlier failures that one run tries again, those tried least first; a refusal costs one request."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which models are watched; `since` is UTC, without zone."""

    author: str | None = None
    task: str | None = None
    since: datetime | None = None

    @property
    def key(self) -> str:
        """What the registry remembers the run under."""
        since = self.since.isoformat() if self.since else None
        return json.dumps({"author": self.author, "task": self.task, "since": since})


@dataclass(frozen=True, slots=True)
class Agenda:
    """What one run has to do: new models, oldest first, then earlier failures. `left` are listed and not in it.

    When all of it was tried, everything that passes the filters is seen up to `until`.
    """

    filters: Filters
    new: tuple[str, ...]
    again: tuple[str, ...]
    until: datetime | None
    left: int

    @property
    def specs(self) -> tuple[str, ...]:
        """All sources to ingest."""
        return self.new + self.again


@dataclass(frozen=True, slots=True)
class Watched:
    """What became of one model, and the verdict with its sentence (None where it could not be read).

    `ancestor` is None where it has none, or where the direction cannot be told, as the sentence then says.
    """

    outcome: Outcome
    verdict: Verdict | None = None
    ancestor: Ancestor | None = None
    sentence: str | None = None


def agenda(connection: duckdb.DuckDBPyConnection, filters: Filters, *, limit: int | None = None) -> Agenda:
    """List the Hub, and decide what this run has to do; nothing is written. Raises SourceError as `list_hub` does."""
    from ..ingest.sources.hub_listing import list_hub

    rows = connection.execute(query("watched_until"), {"filters": filters.key}).fetchall()
    until: datetime | None = rows[0][0] if rows else None
    begin = until or filters.since
    most = None if begin else limit or FIRST
    found = list_hub(author=filters.author, task=filters.task, since=begin, most=most)
    new = sorted(_unseen(connection, found, until), key=lambda one: (one.created or datetime.min, one.name))
    taken = new if limit is None else new[:limit]
    failed = connection.execute(query("attempts"), {"author": filters.author, "most": RETRIES}).fetchall()
    named = {one.uri for one in taken}
    dates = [one.created for one in (taken if len(taken) < len(new) else found) if one.created]
    return Agenda(
        filters,
        tuple(one.uri for one in taken),
        tuple(uri for uri, _, _ in failed if uri not in named),
        max([*dates, *([until] if until else [])], default=None),
        len(new) - len(taken),
    )


def _unseen(connection: duckdb.DuckDBPyConnection, found: list[Listed], until: datetime | None) -> list[Listed]:
    """Without those of the very moment until which everything was seen that were met before."""
    edge = [one.uri for one in found if one.created is None or (until is not None and one.created <= until)]
    seen = {uri for (uri,) in connection.execute(query("seen_sources"), {"uris": edge}).fetchall()}
    return [one for one in found if one.uri not in seen]


def watching(
    registry: Registry, todo: Agenda, *, connections: int | None = None, budget: int | None = None
) -> Generator[Watched, None, None]:
    """Carry out an agenda; every model is in the registry before it is handed out with its top ancestor."""
    for outcome in registry.ingesting(todo.specs, connections=connections, budget=budget, sharing=True):
        yield _watched(registry, outcome)
    if todo.until is not None:
        values = {"filters": todo.filters.key, "until": todo.until}
        committed(registry.connection, lambda: registry.connection.execute(query("watch_until"), values))


def _watched(registry: Registry, outcome: Outcome) -> Watched:
    if isinstance(outcome, Failed | Skipped):
        return Watched(outcome)
    model = newest_model(registry.connection, f"hf://{outcome.name}")
    if model is None:
        return Watched(outcome)
    report = registry.ancestors(model, k=1)
    answers = [a for a in report.components if a.verdict == report.verdict]
    related = report.verdict in {"derived", "shared_initialisation"}
    top = next((a.ancestors[0] for a in answers if a.ancestors), None) if related else None
    return Watched(outcome, report.verdict, top, answers[0].sentence if answers else None)


def watched_row(watched: Watched) -> dict[str, object]:
    """One model with the keys of the JSON contract, all of them, whatever became of it."""
    outcome, top = watched.outcome, watched.ancestor
    kept = outcome if isinstance(outcome, Ingested | Unchanged) else None
    return {
        "source": outcome.source,
        "name": kept.name if kept else None,
        "status": outcome.status,
        "reason": None if isinstance(outcome, Ingested | Unchanged) else outcome.reason,
        "verdict": watched.verdict,
        "sentence": watched.sentence,
        "ancestor": top.name if top else None,
        "ancestor_source": top.source if top else None,
        "relation": list(top.relation) if top else [],
        "log10_evalue": top.log10_evalue if top else None,
        "identity": top.identity if top else None,
        "coverage": top.coverage if top else None,
        "parameters": kept.parameters if kept else 0,
        "bytes_read": kept.bytes_read if kept else 0,
        "requests": kept.requests if kept else 0,
        "seconds": outcome.seconds,
    }
