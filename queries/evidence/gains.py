"""Norm gains: never evidence of a relation, but they tell a derivation from a shared initialisation.

Gains start at one constant, so what two models share in them after centring, they share in training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..thresholds.significance import CONSTANT_GAINS, FEW_GAINS
from .alignment import Pairing


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
    rows, partners = matched_vectors(pairing, best)
    norms = np.array([query.roles[t] == "norm" for t in query.vector.tensor[rows]], np.bool_)
    rows, partners = rows[norms], partners[norms]
    counts = query.sampled[query.vector.tensor[rows]]
    inside = np.arange(query.vector.value.shape[1]) < counts[:, None]
    first, second = (
        _centred(component.vector.value[at].astype(np.float64), inside, counts)
        for component, at in ((query, rows), (candidate, partners))
    )
    varying = np.logical_and(first.any(axis=1), second.any(axis=1))
    usable = varying[:, None] & inside
    a, b = first[usable], second[usable]
    if len(a) < FEW_GAINS:
        return Gains(float("nan"), len(a), False)
    return Gains(float(a @ b / np.sqrt((a @ a) * (b @ b))), len(a), bool(np.array_equal(a, b)))


def matched_vectors(pairing: Pairing, best: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the query's vectors and of their counterparts: of one role, slot and shape, in blocks that match.

    `best` [query units] is the block map; outside the layers a vector's counterpart stands outside the layers, and that
    of a block without a match is not known.
    """
    query, candidate = pairing.query, pairing.candidate
    layers = np.array([unit[0] for unit in pairing.candidate_units] + [-1], np.int64)  # the last, for no unit
    tensors = query.vector.tensor
    matched = np.where(query.layer >= 0, layers[best[pairing.query_unit]], -1)[tensors]
    partner = np.full(len(matched), -1, np.int64)
    for key, (rows, _) in query.vector_layers.items():
        theirs = candidate.vector_rows.get(key)
        if theirs is not None:
            partner[rows] = theirs[matched[rows] + 1]
    known = (matched >= 0) | (query.layer[tensors] < 0)
    found = np.flatnonzero((partner >= 0) & known)
    return found, partner[found]


def _centred(gains: NDArray[np.float64], inside: NDArray[np.bool_], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Every gain [n, 64] without its mean over its first `counts` values; those that hardly vary become 0."""
    gains = np.where(inside, gains, 0.0)
    centred = np.where(inside, gains - gains.sum(axis=1, keepdims=True) / counts[:, None], 0.0)
    deviation = np.sqrt(np.square(centred).sum(axis=1) / counts)
    return np.where((deviation > CONSTANT_GAINS * np.abs(gains).max(axis=1, initial=0))[:, None], centred, 0.0)
