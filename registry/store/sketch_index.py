"""The sketches of one registry, packed once and used by every question of a process, as long as the registry is so.

Two calls of `stat` tell whether the registry file was written to since (`file_state`). If it was, the digests of all
rows are read, and rows that are new are added, rows that are gone left out: whatever wrote them, and also where a row
was changed in place. So no answer is from sketches that the registry does not have. Of FILED rows on, packed rows are
kept in a file beside the registry and mapped (`sketch_file`): a process that starts has them at once.

Limitations: a DuckLake catalogue, whose state nobody can tell without reading it, and rows that no ingest writes are
scanned in SQL, with the same answers. So is the first question of a process without that file: packing a registry
takes longer than one scan.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from .database import Place
from .file_state import State, state_of

if TYPE_CHECKING:
    from ...queries.search.scan import Scan
    from .sketch_rows import Packing

_log = logging.getLogger(__name__)
_NEWEST = 50_000_000
"""Nanoseconds: a file written to so short a time ago may be written to again without a change of its time."""
_MOST_THREADS = 4
"""Of a scan: it is as fast as memory is read, which more do not speed up."""


class SketchIndex:
    """The packed sketches of the registry at `place`, for any number of threads and connections to it.

    Making one costs nothing and imports neither numpy nor Arrow: most commands ask nothing of it.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._state: State | None = None
        self._packing: Packing | None = None
        self._asked = False

    def scan(self, connection: duckdb.DuckDBPyConnection) -> Scan:
        """What answers questions about the registry as it is now; `connection` is one to it."""
        from ...queries.search.names import KeyedNames
        from ...queries.search.packed_scan import PackedScan
        from ...queries.search.scan import SqlScan
        from .name_keys import NO_KEYS

        if not isinstance(self._place, Path):
            return SqlScan(connection)
        with self._lock:
            state = state_of(self._place)
            if state != self._state:
                self._packing = self._renewed(connection, self._place, state if _settled(state) else None)
                self._state = state if _settled(state) and (self._packing or self._asked) else None
                self._asked = True
            packing = self._packing
        threads = min(_MOST_THREADS, os.cpu_count() or 1)
        if packing is None:
            return SqlScan(connection)
        names = None if packing.names is NO_KEYS else KeyedNames(connection, packing.names.keys)
        return PackedScan(packing.packed, threads, names)

    def _renewed(self, connection: duckdb.DuckDBPyConnection, place: Path, state: State | None) -> Packing | None:
        from .sketch_packing import packed
        from .sketch_rows import Unpackable

        began = time.monotonic()
        try:
            packing = packed(connection, place, state, self._packing, in_memory=self._asked)
        except Unpackable as error:
            _log.info("%s: scanned in SQL, as it has %s", place, error)
            return None
        how = f"{len(packing.packed.sketches.rows)} packed sketches" if packing else "sketches scanned in SQL"
        _log.info("%s: %s, ready in %.3f s", place, how, time.monotonic() - began)
        return packing


def _settled(state: State) -> bool:
    """Whether a later write is certain to give the registry another time."""
    return abs(time.time_ns() - max(state.file[1], state.log[1])) > _NEWEST
