"""What a match says of how the query came from the candidate: flags that follow from what matched."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .components import Component
from .evidence import KINDS, PairEvidence, relative_difference
from .vectors import matched_vectors

Origin = Literal["derived", "shared_initialisation", "undecided"]

HIGH_IDENTITY = 0.9
"""Weights this alike count as derived where there are no gains to tell."""
TRAINED_APART, TRAINED_TOGETHER = 0.6, 0.8
"""Correlation of centred gains as a share of the weights': 0.53 at most for thirty pairs of twins of one initialisation
(80 to 1,600 steps, weights at 0.36 to 0.74), 0.94 at least for continued pretrainings (weights at 0.56 to 0.92)."""
_INSIDE = ("q", "k", "v", "o", "gate", "up", "down")
_READERS = ("q", "k", "v", "gate", "up")
"""Roles of a layer's matrices, and of those that read the residual stream."""
_ROUNDING = {"BF16": 2.0**-8, "F16": 2.0**-11, "F32": 2.0**-22}
"""Largest relative error of one rounding to that type."""
_STORED_ERROR = {
    "Q8": 0.015, "INT8": 0.015, "I8": 0.015, "Q6": 0.03, "FP8": 0.05, "F8_E4M3": 0.05, "F8_E5M2": 0.1, "Q5": 0.06,
    "Q4": 0.16, "IQ4": 0.16, "MXFP4": 0.16, "NVFP4": 0.16, "INT4": 0.16, "Q3": 0.3, "IQ3": 0.3,
    "NF4": 0.18, "FP4": 0.24, "INT6": 0.05, "INT5": 0.1, "INT3": 0.4,
}  # fmt: skip
"""Beginning of a stored type's name -> largest relative RMS error of one rounding to it, twice the typical one.

Of Gaussians in groups of 64 that is 0.09 for nf4, 0.12 for the fp4 of bitsandbytes, and range / (2^b - 1) /
sqrt(12) for b-bit integers: 0.02, 0.05 and 0.2 for 6, 5 and 3 bits. Two bits (0.45) would
excuse a fine-tune, and are not here."""
_FLOAT_LEVELS = 31.0
_QUANTISED_LEVELS = 20.0
"""Different values among 32 neighbours: 16 at most after 4-bit groups, over 28 for float weights and 8-bit ones."""
_QUANTISED_ERROR = {4: 0.16, 8: 0.015}
"""Largest relative RMS error of one rounding to b bits in groups; absmax groups of Gaussians have 0.09 and 0.006."""
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
    origin, reason = _origin(evidence)
    if origin == "shared_initialisation":
        return Relation(origin, ("shared_initialisation",), reason)
    flags = [*_structure(evidence), *_basis(evidence)]
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    if _vocabulary_changed(query, candidate):
        flags.append("vocabulary_changed")
    if not flags or flags == ["vocabulary_changed"]:
        flags.insert(0, _copy(evidence) or "finetuned")
    return Relation(origin, tuple(dict.fromkeys(flags)), reason)


def _origin(evidence: PairEvidence) -> tuple[Origin, str]:
    """Derived, or only born from the same random weights: what initialisation does not carry tells the two apart."""
    identity, gains = evidence.match.identity, evidence.gains
    tell = _gains_tell(evidence)
    if np.isnan(gains.correlation) or gains.equal or not tell:
        if identity >= HIGH_IDENTITY:
            return "derived", f"weights correlate at {identity:.2f}"
        what = "are the same in both" if gains.equal and tell else "cannot be compared"
        return (
            "undecided",
            f"weights correlate at {identity:.2f}, norm gains {what}: a common initialisation is not excluded",
        )
    found = f"weights correlate at {identity:.2f}, centred norm gains at {gains.correlation:.2f}"
    if gains.correlation <= TRAINED_APART * identity:
        return "shared_initialisation", found + ", which initialisation does not carry"
    if gains.correlation < TRAINED_TOGETHER * identity:
        return "undecided", found + ": too little for a derivation, too much for a common initialisation alone"
    return "derived", found


def _gains_tell(evidence: PairEvidence) -> bool:
    """Whether gains at equal places of the stream can say something of the weights that match.

    Gains stand in the order of the residual stream's units: where nothing that reads it matches by positions, it is in
    another basis. And where weights as alike as in a derivation match in some roles alone (only FFN taken over, say),
    the rest comes from elsewhere, and the norms may come with the rest.
    """
    query, match = evidence.pairing.query, evidence.match
    roles = np.array(query.roles)
    if not (match.kind[np.isin(roles, _READERS)] == KINDS.index("positions")).any():
        return False
    if match.identity < HIGH_IDENTITY:
        return True
    inside = query.evidenced & np.isin(roles, _INSIDE)
    return set(roles[inside & (match.kind >= 0)].tolist()) == set(roles[inside].tolist())


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
    found = np.flatnonzero((match.kind == 0) & query.evidenced)
    if len(found) < int(query.evidenced.sum()):
        return None
    partner = match.tensor[found]
    if np.array_equal(query.hash[found], candidate.hash[partner]) and _vectors_within(evidence, 0.0):
        return "identical"
    if not _vectors_within(evidence, _ROUNDING["BF16"]):
        return None
    error = np.sqrt(match.difference[found])
    same = query.hash[found] == candidate.hash[partner]
    rounded = same | (error <= np.maximum(_precision(query, found), _precision(candidate, partner)))
    levels = np.minimum(query.levels[found], candidate.levels[partner])
    four_bits = (levels <= _QUANTISED_LEVELS) & (error <= _QUANTISED_ERROR[4])
    eight_bits = (levels < _FLOAT_LEVELS) & (error <= _QUANTISED_ERROR[8])
    if not (rounded | four_bits | eight_bits).all():
        return None
    doubtful = found[~(rounded | four_bits)]
    return "numeric_copy" if _evenly_spread(evidence, doubtful, match.tensor[doubtful]) else None


def _precision(component: Component, tensors: NDArray[np.int64]) -> NDArray[np.float64]:
    """Relative rounding error of each tensor's stored type, or of the coarsest float type that holds its values."""
    stored = {
        dtype: max((e for t, e in _STORED_ERROR.items() if dtype.startswith(t)), default=0.0)
        for dtype in {component.dtypes[i] for i in tensors}
    }
    found = np.maximum(np.array([stored[component.dtypes[i]] for i in tensors]), _ROUNDING["F32"])
    matrices = np.isin(tensors, component.positions.tensor)
    rows = np.searchsorted(component.positions.tensor, tensors[matrices])
    values = component.positions.value[rows].astype(np.float32, copy=False)
    found[matrices] = np.maximum(found[matrices], _coarsest(values))
    for i in np.flatnonzero(~matrices).tolist():
        tokens = next(t.values for t in component.tokens.values() if t.tensor == tensors[i])
        found[i] = max(found[i], float(_coarsest(tokens.reshape(1, -1))[0]))
    return found


def _coarsest(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The rounding error of the coarsest float type that holds all values of each row; 0 for float32."""
    with np.errstate(over="ignore"):
        half = (values.astype(np.float16).astype(np.float32) == values).all(axis=1)
    short = ((values.view(np.uint32) & 0xFFFF) == 0).all(axis=1)
    return np.where(short, _ROUNDING["BF16"], np.where(half, _ROUNDING["F16"], 0.0))


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
