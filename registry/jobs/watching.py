"""Which models of the Hub a run of `forebear watch` has to read; `watched` carries it out.

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
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import duckdb

from ...queries.sql import statement

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

    When all of it was tried, everything that passes the filters is seen up to `until`. `reasons` says of each source to
    try `again` why it failed before.
    """

    filters: Filters
    new: tuple[str, ...]
    again: tuple[str, ...]
    until: datetime | None
    left: int
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def specs(self) -> tuple[str, ...]:
        """All sources to ingest."""
        return self.new + self.again


def agenda(connection: duckdb.DuckDBPyConnection, filters: Filters, *, limit: int | None = None) -> Agenda:
    """List the Hub, and decide what this run has to do; nothing is written. Raises SourceError as `list_hub` does."""
    from ...ingest.sources.hub_dates import is_future
    from ...ingest.sources.hub_listing import list_hub

    rows = connection.execute(statement("hub/watched_until"), {"filters": filters.key}).fetchall()
    until: datetime | None = rows[0][0] if rows else None
    if until and is_future(until.replace(tzinfo=UTC)):
        until = None  # an earlier version believed a date that has not come yet, and would list nothing until then
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
        {uri: reason for uri, _, reason in failed},
    )


def _late(filters: Filters, until: datetime) -> dict[str, datetime | None]:
    """Repositories of the last 90 days that changed since a run, and when; most of them were met before."""
    from ...ingest.sources.hub_listing import list_hub

    since, oldest = until - _OVERLAP, max(until - LATE, filters.since or datetime.min)
    changed = list_hub(author=filters.author, task=filters.task, by="modified", since=since, most=_CHANGES)
    return {one.uri: one.modified for one in changed if one.modified and one.created and oldest <= one.created < until}
