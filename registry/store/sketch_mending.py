"""Packed sketches brought to what the registry has now: rows that are gone are left out, new ones added at the end."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
from numpy.typing import NDArray

from ...queries.search.packed import BLOCK, GONE, Packed, Rows, Sketches
from .sketch_rows import KINDS, Packing, read_packing

Digests = Mapping[str, tuple[NDArray[np.uint32], NDArray[np.uint64]]]
"""Table -> the model and the digest of every row that it has now."""
_MOST_CHANGED = 0.1
"""Share of rows from which all are packed anew: those gone are compared still, those added are in memory alone."""


def mend(connection: duckdb.DuckDBPyConnection, held: Packing, now: Digests) -> Packing | None:
    """Packed rows as a registry has them `now`: `held` itself where nothing changed, None where too much did.

    Of a model with any new row all rows are read again. Raises Unpackable.
    """
    rows = {"sketch": held.packed.sketches.rows, "activation": held.packed.activations}
    present = {table: rows[table].component != GONE for table in KINDS}
    if all(_equal(held.digests[table][present[table]], now[table][1]) for table in KINDS):
        return held
    differing = {table: _in_one(held.digests[table][present[table]], now[table][1]) for table in KINDS}
    kept = {table: present[table] & ~_among(held.digests[table], differing[table]) for table in KINDS}
    new = {table: _among(now[table][1], differing[table]) for table in KINDS}
    models = np.unique(np.concatenate([now[table][0][new[table]] for table in KINDS]))
    if len(models):
        kept = {table: kept[table] & ~np.isin(rows[table].model, models) for table in KINDS}
    gone = sum(int((~kept[table]).sum()) for table in KINDS)
    if gone + sum(int(n.sum()) for n in new.values()) > _MOST_CHANGED * sum(len(found[1]) for found in now.values()):
        return None
    more = read_packing(connection, models.tolist(), rows["sketch"].names)
    mended = _together(held, kept, more)
    alive = {"sketch": mended.packed.sketches.rows, "activation": mended.packed.activations}
    if any(int((alive[table].component != GONE).sum()) != len(now[table][1]) for table in KINDS):
        return None  # rows that are equal in everything, which digests do not count
    return mended


def _equal(held: NDArray[np.uint64], now: NDArray[np.uint64]) -> bool:
    """Whether these are the same rows, in whatever order: DuckDB gives them in another one to another question."""
    return len(held) == len(now) and bool(np.array_equal(np.sort(held), np.sort(now)))


def _in_one(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The digests, ascending, that stand in one of two tables and not in the other. Sorting is what numpy does fast."""
    both = np.sort(np.concatenate([_once(first), _once(second)]))
    twice = np.zeros(len(both) + 1, np.bool_)
    twice[1:-1] = both[1:] == both[:-1]
    return both[~(twice[1:] | twice[:-1])]


def _once(digests: NDArray[np.uint64]) -> NDArray[np.uint64]:
    ordered = np.sort(digests)
    return ordered[np.append(ordered[:1] == ordered[:1], ordered[1:] != ordered[:-1])]


def _among(digests: NDArray[np.uint64], few: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of the digests are among a few, ascending ones."""
    if not len(few):
        return np.zeros(len(digests), np.bool_)
    return few[np.minimum(np.searchsorted(few, digests), len(few) - 1)] == digests


def _together(held: Packing, kept: Mapping[str, NDArray[np.bool_]], more: Packing) -> Packing:
    """The rows `kept` of those held, and more."""
    first, second = held.packed.sketches, more.packed.sketches
    sketches = Sketches(
        _rows(first.rows, kept["sketch"], second.rows),
        np.concatenate([first.position_roles, second.position_roles]),
        np.concatenate([first.gram_roles, second.gram_roles]),
        np.concatenate([first.shape, second.shape + np.uint32(len(first.filled))]),
        np.concatenate([first.filled, second.filled]),
    )
    activations = _rows(held.packed.activations, kept["activation"], more.packed.activations)
    digests = {table: np.concatenate([held.digests[table], more.digests[table]]) for table in KINDS}
    return Packing(Packed(sketches, activations), digests)


def _rows(held: Rows, kept: NDArray[np.bool_], more: Rows) -> Rows:
    component = np.where(kept, held.component, np.uint16(GONE))
    blocks = held.blocks + more.blocks
    if held.blocks and more.blocks and held.blocks[-1].shape[1] + more.blocks[0].shape[1] <= BLOCK:
        both = np.concatenate([held.blocks[-1], more.blocks[0]], axis=1)
        blocks = (*held.blocks[:-1], both, *more.blocks[1:])
    return Rows(
        np.concatenate([held.model, more.model]), np.concatenate([component, more.component]), more.names, blocks
    )
