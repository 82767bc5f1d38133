"""Norm gains and biases of matched blocks, side by side: context, never evidence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .alignment import Pairing
from .components import Component


def matched_vectors(pairing: Pairing, best: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the query's vectors and of their counterparts: of one role, slot and shape, in blocks that match.

    `best` [query units] is the block map; outside the layers a vector's counterpart stands outside the layers.
    """
    query, candidate = pairing.query, pairing.candidate

    def place(side: Component, tensor: int, layer: int) -> tuple[object, ...]:
        return layer, int(side.expert[tensor]), side.roles[tensor], side.slots[tensor], side.shapes[tensor]

    numbered = enumerate(candidate.vector.tensor.tolist())
    theirs = {place(candidate, tensor, int(candidate.layer[tensor])): row for row, tensor in numbered}
    pairs = []
    for row, tensor in enumerate(query.vector.tensor.tolist()):
        unit = best[pairing.query_unit[tensor]]
        layer = pairing.candidate_units[unit][0] if unit >= 0 and query.layer[tensor] >= 0 else -1
        match = theirs.get(place(query, tensor, layer))
        if match is not None:
            pairs.append((row, match))
    found = np.array(pairs, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]
