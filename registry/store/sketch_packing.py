"""Where packed sketches come from: what a process has of them, the file beside the registry, or its tables."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from ...queries.data.arrow import numbers
from ...queries.sql import statement
from .file_state import State
from .name_keys import mend_name_keys, read_name_keys
from .sketch_file import note_state, open_sketch_file, write_sketch_file
from .sketch_mending import mend
from .sketch_rows import KINDS, Packing, read_packing

_log = logging.getLogger(__name__)
FILED = 50_000
"""Rows from which packed ones are kept in a file: fewer are packed in 0.1 s."""
MOST_IN_MEMORY = 1_500_000
"""Rows that are held in memory where no file can be: 0.8 GB."""
_UNKNOWN = State((0, 0), (0, 0))


def packed(
    connection: duckdb.DuckDBPyConnection,
    place: Path,
    state: State | None,
    held: Packing | None,
    *,
    in_memory: bool,
) -> Packing | None:
    """The packed rows of the registry at `place`, which is in `state` (None: it may change without another one).

    `held` is what the process has of an earlier state. Where no file keeps them, and `in_memory` is not wanted or would
    be too much, None. Raises Unpackable.
    """
    count = int(connection.execute(statement("search/count_sketches")).fetchall()[0][0])
    filed = count >= FILED
    if held is None and filed and (found := open_sketch_file(place)):
        if found.state == state:
            return found.packing
        held = found.packing
    if held is not None and (known := mend(connection, held, {table: _digests(connection, table) for table in KINDS})):
        names = mend_name_keys(connection, held.names)
        if known is held and names is held.names and filed and state:
            _note(place, state)
        return replace(known, names=names)
    if filed and (kept := _kept(connection, place, state or _UNKNOWN)):
        return kept
    if in_memory and count <= MOST_IN_MEMORY:
        return replace(read_packing(connection), names=read_name_keys(connection))
    return None


def _kept(connection: duckdb.DuckDBPyConnection, place: Path, state: State) -> Packing | None:
    """All rows, packed into a new file; None where there can be none."""
    try:
        write_sketch_file(connection, place, state)
    except OSError as error:
        _log.info("%s: packed sketches cannot be kept beside it: %s", place, error)
        return None
    found = open_sketch_file(place)
    return found.packing if found else None


def _note(place: Path, state: State) -> None:
    """Spare the next process what this one has found out, where the file can be written to."""
    try:
        note_state(place, state)
    except (OSError, ValueError) as error:
        _log.debug("%s: its packed sketches keep the state that they have: %s", place, error)


def _digests(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[NDArray[np.uint32], NDArray[np.uint64]]:
    """The model and the digest of every row that a table has now."""
    found = connection.sql(statement(f"search/{table}_digests")).to_arrow_table()
    return numbers(found["model_id"]), numbers(found["digest"])
