"""Norm gains: never evidence of a relation, but they tell a derivation from a shared initialisation.

Gains start at one constant, so what two models share in them after centring, they share in training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .alignment import Pairing

_CONSTANT = 0.01
"""A norm whose gains vary less than this, relative to their size, tells nothing: it was never trained, it is folded
into the weights, or it varies little more than bfloat16 rounds (0.002). Trained ones vary by 0.05 and more."""
FEW_VALUES = 64


@dataclass(frozen=True, slots=True)
class Gains:
    """Correlation of the centred gains of matched norms, over `values` of them; NaN when there is nothing to compare.

    `equal` says that they are the same numbers: trained gains taken over, or never trained.
    """

    correlation: float
    values: int
    equal: bool


def compare_gains(pairing: Pairing, best: NDArray[np.int64]) -> Gains:
    """Centred gains of the query's norms against those of the matched blocks; `best` [query units] is the block map."""
    query, candidate = pairing.query, pairing.candidate
    theirs = {
        (int(candidate.layer[t]), candidate.slots[t]): row
        for row, t in enumerate(candidate.vector.tensor.tolist())
        if candidate.roles[t] == "norm"
    }
    first, second = [], []
    for row, tensor in enumerate(query.vector.tensor.tolist()):
        if query.roles[tensor] != "norm":
            continue
        unit = best[pairing.query_unit[tensor]]
        layer = pairing.candidate_units[unit][0] if unit >= 0 and query.layer[tensor] >= 0 else -1
        match = theirs.get((layer, query.slots[tensor]))
        if match is None:
            continue
        other = int(candidate.vector.tensor[match])
        if query.shapes[tensor] != candidate.shapes[other]:
            continue
        count = int(query.sampled[tensor])
        mine = query.vector.value[row, :count].astype(np.float64)
        their = candidate.vector.value[match, :count].astype(np.float64)
        if _varies(mine) and _varies(their):
            first.append(mine - mine.mean())
            second.append(their - their.mean())
    values = sum(len(v) for v in first)
    if values < FEW_VALUES:
        return Gains(float("nan"), values, False)
    a, b = np.concatenate(first), np.concatenate(second)
    return Gains(float(a @ b / np.sqrt((a @ a) * (b @ b))), values, bool(np.array_equal(a, b)))


def _varies(gain: NDArray[np.float64]) -> bool:
    return bool(gain.std() > _CONSTANT * np.abs(gain).max())
