"""Norm gains and biases of matched blocks, side by side: context, never evidence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .alignment import Pairing


def matched_vectors(pairing: Pairing, best: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the query's vectors and of their counterparts: of one role, slot and shape, in blocks that match.

    `best` [query units] is the block map; outside the layers a vector's counterpart stands outside the layers.
    """
    query, candidate = pairing.query, pairing.candidate
    theirs = candidate.vector_rows
    units = best[pairing.query_unit].tolist()
    pairs = []
    for (layer, expert, role, slot, shape), tensor, row in query.vector_places:
        unit = units[tensor]
        matched = pairing.candidate_units[unit][0] if unit >= 0 and layer >= 0 else -1
        match = theirs.get((matched, expert, role, slot, shape))
        if match is not None:
            pairs.append((row, match))
    found = np.array(pairs, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]
