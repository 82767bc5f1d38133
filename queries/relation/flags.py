"""What a match says of how the query came from the candidate: flags that follow from what matched."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.component import Component
from ..data.precision import FLOAT_LEVELS, QUANTISED_ERROR, QUANTISED_LEVELS, ROUNDING, precision
from ..evidence.match import relative_difference
from ..evidence.pair import PairEvidence
from ..evidence.vectors import matched_vectors
from .origin import Origin, origin_of

_LARGEST_OF_ROUNDING = 2.5
"""Largest over RMS of 256 differences: 1.7 to 2.3 for rounding errors in groups, 2.9 for a Gaussian's."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Whether the query derives from the candidate, and the flags that say how; `reason` where it cannot be told."""

    origin: Origin
    flags: tuple[str, ...]
    reason: str


def relate(evidence: PairEvidence) -> Relation:
    """The relation that significant evidence shows."""
    origin, reason = origin_of(evidence)
    if origin == "shared_initialisation":
        return Relation(origin, ("shared_initialisation",), reason)
    flags = [*_structure(evidence), *_basis(evidence)]
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    if _vocabulary_changed(query, candidate):
        flags.append("vocabulary_changed")
    if not flags or flags == ["vocabulary_changed"]:
        flags.insert(0, _copy(evidence) or "finetuned")
    return Relation(origin, tuple(dict.fromkeys(flags)), reason)


def _structure(evidence: PairEvidence) -> list[str]:
    """What the block map says: layers gone, added, moved; experts made from a dense FFN."""
    pairing = evidence.pairing
    pairs = [(pairing.query_units[i], pairing.candidate_units[j]) for i, j in enumerate(evidence.block_map) if j >= 0]
    layered = [(q, c) for q, c in pairs if q[0] >= 0 and c[0] >= 0]
    flags = []
    if any(q[1] >= 0 for q, c in layered) and any(q[1] >= 0 and c[1] < 0 for q, c in layered):
        flags.append("experts_upcycled")
    layers = sorted({(q[0], c[0]) for q, c in layered if q[1] < 0 and not (q[2] and "experts_upcycled" in flags)})
    mine, theirs = pairing.query.layer.max(initial=-1) + 1, pairing.candidate.layer.max(initial=-1) + 1
    sources = [c for _, c in layers]
    if mine < theirs and layers:
        flags.append("layers_removed")
    if mine > theirs and layers:
        flags.append("layers_added")
    if _reordered(sources, doubled=mine > theirs):
        flags.append("layers_reordered")
    return flags


def _reordered(sources: list[int], *, doubled: bool) -> bool:
    """Whether layers moved; where layers were added, a run may start again further down, for that is how they are."""
    drops = sum(b < a for a, b in itertools.pairwise(sources))
    return drops > (len(sources) // 2 if doubled else 0)


def _basis(evidence: PairEvidence) -> list[str]:
    """Hidden size cut, or the same size in another basis, where positions found nothing and gram or column sets did."""
    pairing, match = evidence.pairing, evidence.match
    query, candidate = pairing.query, pairing.candidate
    other = np.flatnonzero(match.kind > 0)
    if not len(other):
        return []
    narrower = query.inputs[other] < candidate.inputs[match.tensor[other]]
    if narrower.any():
        return ["width_pruned"]
    same = query.inputs[other] == candidate.inputs[match.tensor[other]]
    return ["basis_changed"] if same.any() else []


def _vocabulary_changed(query: Component, candidate: Component) -> bool:
    for role, tokens in query.tokens.items():
        other = candidate.tokens.get(role)
        if other is not None and query.shapes[tokens.tensor][:1] != candidate.shapes[other.tensor][:1]:
            return True
    return False


def _copy(evidence: PairEvidence) -> str | None:
    """`identical`, or `numeric_copy` where every difference is what one rounding makes."""
    match, query, candidate = evidence.match, evidence.pairing.query, evidence.pairing.candidate
    found = np.flatnonzero((match.kind == 0) & query.scorable)
    if len(found) < int(query.scorable.sum()):
        return None
    partner = match.tensor[found]
    if np.array_equal(query.hash[found], candidate.hash[partner]) and _vectors_within(evidence, 0.0):
        return "identical"
    if not _vectors_within(evidence, ROUNDING["BF16"]):
        return None
    error = np.sqrt(match.difference[found])
    same = query.hash[found] == candidate.hash[partner]
    rounded = same | (error <= np.maximum(precision(query, found), precision(candidate, partner)))
    levels = np.minimum(query.levels[found], candidate.levels[partner])
    four_bits = (levels <= QUANTISED_LEVELS) & (error <= QUANTISED_ERROR[4])
    eight_bits = (levels < FLOAT_LEVELS) & (error <= QUANTISED_ERROR[8])
    if not (rounded | four_bits | eight_bits).all():
        return None
    doubtful = found[~(rounded | four_bits)]
    return "numeric_copy" if _evenly_spread(evidence, doubtful, match.tensor[doubtful]) else None


def _evenly_spread(evidence: PairEvidence, found: NDArray[np.int64], partner: NDArray[np.int64]) -> bool:
    """Whether differences are bounded as those of rounding are: their largest, over their RMS, is not a Gaussian's."""
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    matrices = np.isin(found, query.positions.tensor)
    rows = np.searchsorted(query.positions.tensor, found[matrices])
    others = np.searchsorted(candidate.positions.tensor, partner[matrices])
    change = query.positions.value[rows].astype(np.float64) - candidate.positions.value[others]
    rms = np.sqrt(np.square(change).mean(axis=1))
    changed = rms > 0
    if not changed.any():
        return True
    return bool(np.median(np.abs(change[changed]).max(axis=1) / rms[changed]) <= _LARGEST_OF_ROUNDING)


def _vectors_within(evidence: PairEvidence, tolerance: float) -> bool:
    """Whether norm gains and biases are the candidate's up to one rounding: rounding leaves them, training does not."""
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    rows, partners = matched_vectors(evidence.pairing, evidence.block_map)
    if not len(rows):
        return True
    first, second = query.vector.value[rows].astype(np.float64), candidate.vector.value[partners].astype(np.float64)
    return bool(np.sqrt(relative_difference(first, second).max()) <= tolerance)
