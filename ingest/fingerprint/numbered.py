"""Rows of an embedding by their number, where no tokenizer says what they stand for."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..hashing import splitmix64

_SALT = np.uint64(0x6E756D62657265)
NUMBERED = 24
"""Rows that are kept, as many as of tokens."""
_DRAWN = 4
"""Numbers that are drawn for each row that is wanted: few of them fall on one row."""


@lru_cache(maxsize=64)
def numbered_rows(rows: int, columns: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """At most NUMBERED rows of a matrix [rows, columns], int64 [n] ascending, and their keys, uint64 [n].

    They are the same for every matrix of that shape. A key hashes the shape too: rows of another number or width have
    other keys, so that only embeddings of equal shape have any in common.
    """
    if rows <= 0:
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    shape = splitmix64(splitmix64(np.array([rows], np.uint64) ^ _SALT) ^ np.array([columns], np.uint64))[0]
    drawn = splitmix64(np.arange(_DRAWN * NUMBERED, dtype=np.uint64) ^ shape) % np.uint64(rows)
    _, first = np.unique(drawn, return_index=True)
    ids = np.arange(rows) if rows <= NUMBERED else np.sort(drawn[np.sort(first)[:NUMBERED]]).astype(np.int64)
    return ids, splitmix64(ids.astype(np.uint64) ^ shape)
