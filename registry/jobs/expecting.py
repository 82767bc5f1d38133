"""What an ingest would read, source by source, without reading weights or writing anything."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import duckdb

from ...ingest.expected import Expected, expected_reading
from ...ingest.model import is_current
from ...ingest.sources import Source, open_source, source_uri
from ..store.models import known_sources
from .ingesting import attempted
from .outcome import Failed, Skipped


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What reading one source would take; nothing where it is `unchanged` since it was registered."""

    source: str
    expected: Expected | None
    name: str
    seconds: float
    status: ClassVar[str] = "to read"


Prospect = Foreseen | Skipped | Failed


def expecting(
    connection: duckdb.DuckDBPyConnection,
    specs: Sequence[str],
    *,
    budget: int | None = None,
    opener: Callable[[str], Source] = open_source,
) -> Iterator[Prospect]:
    """One prospect a source, in order; what cannot be read is a value with its reason, as in an ingest."""
    known = known_sources(connection, map(source_uri, specs))
    for spec in specs:
        began = time.monotonic()

        def foresee(spec: str = spec, began: float = began) -> Foreseen:
            source = opener(spec)
            try:
                same = known.get((source.uri, source.revision))
                if same is not None and is_current(same.state, source.state, budget=budget):
                    return Foreseen(spec, None, source.name, time.monotonic() - began)
                found = expected_reading(source, budget=budget)
                return Foreseen(spec, found, source.name, found.seconds)
            finally:
                source.close()

        yield attempted(spec, began, foresee)


def prospect_row(prospect: Prospect) -> dict[str, object]:
    """The prospect with the keys of an outcome of `ingest`; `status` is `to read` where one is expected."""
    found = prospect.expected if isinstance(prospect, Foreseen) else None
    unchanged = isinstance(prospect, Foreseen) and found is None
    return {
        "source": prospect.source,
        "name": prospect.name if isinstance(prospect, Foreseen) else None,
        "status": "unchanged" if unchanged else prospect.status,
        "reason": None if isinstance(prospect, Foreseen) else prospect.reason,
        "tensors": found.tensors if found else 0,
        "parameters": found.parameters if found else 0,
        "bytes_read": found.bytes_read if found else 0,
        "bytes_total": found.bytes_total if found else 0,
        "requests": found.requests if found else 0,
        "seconds": prospect.seconds,
    }
