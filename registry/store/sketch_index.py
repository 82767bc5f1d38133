"""The sketches of one registry, packed once and used by every question of a process, as long as the registry is so.

Two calls of `stat` tell whether the registry file was written to since (`file_state`). If it was, the digests of all
rows are read, which takes 0.3 s for a million models, and rows that are new are added, rows that are gone left out:
whatever wrote them, and also where a row was changed in place. So no answer is from sketches that the registry does not
have. Of FILED rows on, packed rows are kept in a file beside the registry and mapped: a process that starts reads what
it compares and no more, and what a million models take (560 bytes each) is the system's to forget.

Limitations: a DuckLake catalogue, whose state nobody can tell without reading it, and rows that no ingest writes are
scanned in SQL, with the same answers. So is the first question of a process where no file is there, as packing takes
longer than one scan.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from ...queries.search.packed_scan import PackedScan
from ...queries.search.scan import Scan, SqlScan
from ...queries.sql import statement
from .database import Place
from .file_state import State, state_of
from .sketch_file import note_state, open_sketch_file, write_sketch_file
from .sketch_mending import mend
from .sketch_rows import KINDS, Packing, Unpackable, read_packing

_log = logging.getLogger(__name__)
FILED = 50_000
"""Rows from which packed ones are kept in a file: fewer are packed in 0.1 s."""
MOST_IN_MEMORY = 1_500_000
"""Rows that are held in memory where no file can be: 0.8 GB."""
_NEWEST = 50_000_000
"""Nanoseconds: a file written to so short a time ago may be written to again without a change of its time."""
_UNKNOWN = State((0, 0), (0, 0))


class SketchIndex:
    """The packed sketches of the registry at `place`, for any number of threads and connections to it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._state: State | None = None
        self._packing: Packing | None = None
        self._asked = False
        self._threads = min(4, os.cpu_count() or 1)

    def scan(self, connection: duckdb.DuckDBPyConnection) -> Scan:
        """What answers questions about the registry as it is now; `connection` is one to it."""
        if not isinstance(self._place, Path):
            return SqlScan(connection)
        with self._lock:
            state = state_of(self._place)
            if state != self._state:
                self._packing = self._renewed(connection, self._place, state)
                self._state = state if _settled(state) and (self._packing or self._asked) else None
                self._asked = True
            packing = self._packing
        return PackedScan(packing.packed, self._threads) if packing else SqlScan(connection)

    def _renewed(self, connection: duckdb.DuckDBPyConnection, place: Path, state: State) -> Packing | None:
        """The packed rows of a registry in `state`; None where it is to be scanned in SQL."""
        began = time.monotonic()
        count = int(connection.execute(statement("search/count_sketches")).fetchall()[0][0])
        try:
            packing = self._known(connection, place, state, count) or self._anew(connection, place, state, count)
        except Unpackable as error:
            _log.info("%s: scanned in SQL, as it has %s", place, error)
            return None
        how = "packed" if packing else "scanned in SQL"
        _log.info("%s: %d sketches, %s; ready in %.2f s", place, count, how, time.monotonic() - began)
        return packing

    def _known(self, connection: duckdb.DuckDBPyConnection, place: Path, state: State, count: int) -> Packing | None:
        """What this process or the file beside the registry holds, brought to `state`; None where that is too little."""
        held = self._packing
        if held is None and count >= FILED and (found := open_sketch_file(place)):
            if found.state == state:
                return found.packing
            held = found.packing
        if held is None:
            return None
        now = {table: _digests(connection, table) for table in KINDS}
        mended = mend(connection, held, now)
        if mended is held and count >= FILED and _settled(state):
            _noted(place, state)
        return mended

    def _anew(self, connection: duckdb.DuckDBPyConnection, place: Path, state: State, count: int) -> Packing | None:
        """All rows packed: into a file where they are many, else in memory from the second question on."""
        if count >= FILED:
            try:
                write_sketch_file(connection, place, state if _settled(state) else _UNKNOWN)
            except OSError as error:
                _log.info("%s: packed sketches cannot be kept beside it: %s", place, error)
            else:
                if found := open_sketch_file(place):
                    return found.packing
        if count > MOST_IN_MEMORY or not self._asked:
            return None
        return read_packing(connection)


def _settled(state: State) -> bool:
    """Whether a later write is certain to give the registry another time."""
    return abs(time.time_ns() - max(state.file[1], state.log[1])) > _NEWEST


def _noted(place: Path, state: State) -> None:
    """Spare the next process what this one has found out, where the file can be written to."""
    try:
        note_state(place, state)
    except (OSError, ValueError) as error:
        _log.debug("%s: its packed sketches keep the state that they have: %s", place, error)


def _digests(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[NDArray[np.uint32], NDArray[np.uint64]]:
    """The model and the digest of every row that a table has now."""
    found = connection.sql(statement(f"search/{table}_digests")).to_arrow_table()
    return found["model_id"].to_numpy(), found["digest"].to_numpy()
