"""New models of the Hub into the registry, run after run, each with its top ancestor.

What a run comes through is remembered for each set of filters. A run that is cut short moves nothing: the next one
lists the same models again, and those that are registered at their commit are not read again. With a limit, the oldest
come first, so that the rest is left for the next run.

A model may be published long after its repository was made. So a run also looks at repositories changed since the last
one: those of the last 90 days that the registry never met are taken as new, from the moment of that change. After 90
days of watching these are the late ones alone; before, recent models of before the first run are among them.

Limitations: one that is published without a commit, or more than 90 days after it was made, is not seen until it is
ingested by name. After a long break no more than the latest 50,000 changes are looked at.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import duckdb

from ...queries.answers.records import Ancestor, Verdict
from ...queries.sql import statement
from ...queries.thresholds.lineage import DIRECTION_TOLD, MOST_RELATIVES
from ..store.models import newest_model
from ..store.transactions import committed
from .outcome import Failed, Ingested, Outcome, Skipped, Unchanged

if TYPE_CHECKING:
    from ..registry import Registry

_log = logging.getLogger(__name__)

FIRST = 100
"""Models that the first run without a limit and without a date begins with: the Hub has millions."""
LATE = timedelta(days=90)
"""Age up to which a repository that changed and was never met counts as published late."""
_CHANGES = 50_000
"""Changes of one run that are looked at: a busy day of the Hub has fewer, and a list of 1,000 is one request."""
_OVERLAP = timedelta(hours=1)
"""Changes are listed again for so long: what changes while a run lists the Hub is not lost between two runs."""
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

    `ancestor` is the nearest model that is told to be one, None where none is; `relative` is that ancestor, or else the
    nearest model of one lineage or of one initialisation.
    """

    outcome: Outcome
    verdict: Verdict | None = None
    ancestor: Ancestor | None = None
    relative: Ancestor | None = None
    sentence: str | None = None


def agenda(connection: duckdb.DuckDBPyConnection, filters: Filters, *, limit: int | None = None) -> Agenda:
    """List the Hub, and decide what this run has to do; nothing is written. Raises SourceError as `list_hub` does."""
    from ...ingest.sources.hub_listing import list_hub

    rows = connection.execute(statement("hub/watched_until"), {"filters": filters.key}).fetchall()
    until: datetime | None = rows[0][0] if rows else None
    begin = until or filters.since
    most = None if begin else limit or FIRST
    late = _late(filters, until) if until else {}
    made = {one.uri: one.created for one in list_hub(author=filters.author, task=filters.task, since=begin, most=most)}
    appeared = late | made
    edge = [uri for uri, date in made.items() if date is None or (until is not None and date <= until)]
    met = connection.execute(statement("hub/seen_sources"), {"uris": [*late, *edge]}).fetchall()
    new = sorted(set(appeared) - {uri for (uri,) in met}, key=lambda uri: (appeared[uri] or datetime.min, uri))
    taken = new if limit is None else new[:limit]
    failed = connection.execute(statement("hub/attempts"), {"author": filters.author, "most": RETRIES}).fetchall()
    _log.info("%d repositories listed, %d of them new, %d tried again", len(appeared), len(new), len(failed))
    dates = [date for uri in (taken if len(taken) < len(new) else made) if (date := appeared[uri])]
    return Agenda(
        filters,
        tuple(taken),
        tuple(uri for uri, _, _ in failed if uri not in taken),
        max([*dates, *([until] if until else [])], default=None),
        len(new) - len(taken),
    )


def _late(filters: Filters, until: datetime) -> dict[str, datetime | None]:
    """Repositories of the last 90 days that changed since a run, and when; most of them were met before."""
    from ...ingest.sources.hub_listing import list_hub

    since, oldest = until - _OVERLAP, max(until - LATE, filters.since or datetime.min)
    changed = list_hub(author=filters.author, task=filters.task, by="modified", since=since, most=_CHANGES)
    return {one.uri: one.modified for one in changed if one.modified and one.created and oldest <= one.created < until}


def watching(
    registry: Registry, todo: Agenda, *, connections: int | None = None, budget: int | None = None
) -> Generator[Watched, None, None]:
    """Carry out an agenda; every model is in the registry before it is handed out with its top ancestor."""
    for outcome in registry.ingesting(todo.specs, connections=connections, budget=budget, sharing=True):
        yield _watched(registry, outcome)
    if todo.until is not None:
        values = {"filters": todo.filters.key, "until": todo.until}
        committed(registry.connection, lambda: registry.connection.execute(statement("hub/watch_until"), values))


def _watched(registry: Registry, outcome: Outcome) -> Watched:
    if isinstance(outcome, Failed | Skipped):
        return Watched(outcome)
    model = newest_model(registry.connection, f"hf://{outcome.name}")
    if model is None:
        return Watched(outcome)
    report = registry.ancestors(model, k=MOST_RELATIVES)
    answers = [a for a in report.components if a.verdict == report.verdict]
    sentence = answers[0].sentence if answers else None
    rows = [row for answer in answers for row in answer.ancestors if row.origin]
    ancestor = next((row for row in rows if _is_told(row)), None) if report.verdict == "derived" else None
    return Watched(outcome, report.verdict, ancestor, ancestor or next(iter(rows), None), sentence)


def _is_told(row: Ancestor) -> bool:
    """Whether it is told to be an ancestor; such a one need not stand first, so all that have a place are asked for."""
    return row.origin == "derivation" and row.direction_probability >= DIRECTION_TOLD


def watched_row(watched: Watched) -> dict[str, object]:
    """One model with the keys of the JSON contract, all of them, whatever became of it."""
    outcome, ancestor, nearest = watched.outcome, watched.ancestor, watched.relative
    kept = outcome if isinstance(outcome, Ingested | Unchanged) else None
    return {
        "source": outcome.source,
        "name": kept.name if kept else None,
        "status": outcome.status,
        "reason": None if isinstance(outcome, Ingested | Unchanged) else outcome.reason,
        "verdict": watched.verdict,
        "sentence": watched.sentence,
        "ancestor": ancestor.name if ancestor else None,
        "ancestor_source": ancestor.source if ancestor else None,
        "relative": nearest.name if nearest else None,
        "relative_source": nearest.source if nearest else None,
        "declared": nearest.declared if nearest else None,
        "direction": nearest.direction if nearest else None,
        "direction_probability": nearest.direction_probability if nearest else None,
        "direction_by": list(nearest.direction_by) if nearest else [],
        "relation": list(nearest.relation) if nearest else [],
        "log10_evalue": nearest.log10_evalue if nearest else None,
        "identity": nearest.identity if nearest else None,
        "coverage": nearest.coverage if nearest else None,
        "parameters": kept.parameters if kept else 0,
        "bytes_read": kept.bytes_read if kept else 0,
        "requests": kept.requests if kept else 0,
        "seconds": outcome.seconds,
    }
