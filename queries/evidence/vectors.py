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
    layers = np.array([unit[0] for unit in pairing.candidate_units] + [-1], np.int64)  # the last, for no unit
    matched = np.where(query.layer >= 0, layers[best[pairing.query_unit]], -1)[query.vector.tensor]
    partner = np.full(len(matched), -1, np.int64)
    for key, (rows, _) in query.vector_layers.items():
        theirs = candidate.vector_rows.get(key)
        if theirs is not None:
            partner[rows] = theirs[matched[rows] + 1]
    found = np.flatnonzero(partner >= 0)
    return found, partner[found]
