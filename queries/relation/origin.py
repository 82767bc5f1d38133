"""Derived, or only born from the same random weights: what initialisation does not carry tells the two apart.

Two things that training makes and initialisation does not: the centred gains of norms, and the angles between the rows
of a matrix as the Gram vectors of equal spectra hold them, where the first, strongest directions count no more than the
last.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..evidence.activations import align_activations
from ..evidence.gram import align_gram
from ..evidence.kinds import kind_number
from ..evidence.pair import PairEvidence
from ..statistics.pvalues import LOG10
from ..thresholds.relation import HIGH_IDENTITY, LEAST_OF_TWINS, NETWORK_IDENTITY, TRAINED_APART, TRAINED_TOGETHER
from ..thresholds.significance import SIGNIFICANT_LOG10_E, TENSOR_LOG_P

Origin = Literal["derivation", "shared_initialisation", "shared_embeddings", "undetermined"]

INSIDE = ("q", "k", "v", "o", "gate", "up", "down")
_READERS = ("q", "k", "v", "gate", "up")
"""Roles of a layer's matrices, and of those that read the residual stream."""


def origin_of(evidence: PairEvidence) -> tuple[Origin, str]:
    """Whether significant evidence shows a derivation, and the reason in words."""
    identity, gains = evidence.match.identity, evidence.gains
    if (neurons := _neurons(evidence)) is not None:
        return _by_neurons(evidence, *neurons)
    tell = _gains_tell(evidence)
    if np.isnan(gains.correlation) or gains.equal or not tell:
        if identity >= (NETWORK_IDENTITY if evidence.pairing.query.network else HIGH_IDENTITY):
            return "derivation", f"weights correlate at {identity:z.2f}"
        what = "are the same in both" if gains.equal and tell else "cannot be compared"
        return (
            "undetermined",
            f"weights correlate at {identity:z.2f}, norm gains {what}: a common initialisation is not excluded",
        )
    found = f"weights correlate at {identity:z.2f}, centred norm gains at {gains.correlation:z.2f}"
    angles = _angles(evidence) if identity < HIGH_IDENTITY else np.nan
    if angles >= HIGH_IDENTITY:
        return "derivation", found + f", angles between rows, gains multiplied in, at {angles:z.2f}"
    if gains.correlation <= TRAINED_APART * identity:
        return "shared_initialisation", found + ", which initialisation does not carry"
    if gains.correlation < TRAINED_TOGETHER * identity:
        if angles <= TRAINED_APART * identity:
            return "shared_initialisation", found + f", angles between rows at {angles:z.2f}: training was not shared"
        return "undetermined", found + ": too little for a derivation, too much for a common initialisation alone"
    if angles <= TRAINED_APART * identity:
        return "undetermined", found + f", but angles between rows at {angles:z.2f}: a derivation would keep those too"
    return "derivation", found


def less_than_twins(evidence: PairEvidence) -> bool:
    """Whether neurons can be compared and weights are less alike than those of twins, which tells no origin."""
    return evidence.match.identity < LEAST_OF_TWINS and _neurons(evidence) is not None


def _neurons(evidence: PairEvidence) -> tuple[bool, float] | None:
    """Whether neurons do the same on the same tokens beyond chance, and log10 p of it; None where none are comparable.

    Training makes what a neuron does, and no rewrite that leaves the model's function as it is can change it. Where
    weights are more alike than separate training reaches, nothing has to be asked.
    """
    found = evidence.alignment("activations") or align_activations(evidence.pairing)
    if found is None:
        return None
    log10_p = found.log_p / LOG10
    alike = log10_p + evidence.correction <= SIGNIFICANT_LOG10_E
    if not alike and not any(t.log_p <= TENSOR_LOG_P for t in evidence.tokens):
        return None  # embeddings were replaced: what neurons do on their rows says nothing of the rest
    return alike, log10_p


def _by_neurons(evidence: PairEvidence, alike: bool, log10_p: float) -> tuple[Origin, str]:
    """The origin by activations, which need no norm gains.

    Weights averaged from two lineages do no longer what either does; there the gains and the angles of the rows, where
    both speak for a shared training, outweigh what neurons do.
    """
    identity, gains = evidence.match.identity, evidence.gains
    found = f"weights correlate at {identity:z.2f}"
    if alike:
        return "derivation", f"{found}, and neurons do the same on the same tokens (p = 1e{log10_p:.0f})"
    if identity >= HIGH_IDENTITY:
        return "derivation", f"{found}, more than separate training leaves, though neurons differ on the same tokens"
    if not gains.equal and _gains_tell(evidence) and gains.correlation >= TRAINED_TOGETHER * identity:
        angles = _angles(evidence)
        if angles > TRAINED_APART * identity:
            return (
                "derivation",
                f"{found}, centred norm gains at {gains.correlation:z.2f}, angles between rows at {angles:z.2f}, though"
                " neurons differ on the same tokens",
            )
    if identity < LEAST_OF_TWINS:
        why = "a common initialisation after long trainings and a small share in a merge leave as little"
        return "undetermined", f"{found}, but no neurons do the same on the same tokens: {why}"
    return "shared_initialisation", f"{found}, but no neurons do the same on the same tokens: training was not shared"


def _gains_tell(evidence: PairEvidence) -> bool:
    """Whether gains at equal places of the stream can say something of the weights that match.

    Gains stand in the order of the residual stream's units: where nothing that reads it matches by positions, it is in
    another basis. And where weights as alike as in a derivation match in some roles alone (only FFN taken over, say),
    the rest comes from elsewhere, and the norms may come with the rest.
    """
    query, match = evidence.pairing.query, evidence.match
    if not (match.kind[query.with_role(*_READERS)] == kind_number("positions")).any():
        return False
    if match.identity < HIGH_IDENTITY:
        return True
    there = [mask for role in INSIDE if (mask := query.scorable & query.with_role(role)).any()]
    return all(bool((match.kind[mask] >= 0).any()) for mask in there)


def _angles(evidence: PairEvidence) -> float:
    """Mean correlation of the Gram vectors of matched blocks; NaN where there are none."""
    pairing, best = evidence.pairing, evidence.block_map
    found = evidence.alignment("gram") or align_gram(pairing)
    matched = []
    for scores in found.scores if found else ():
        of_candidate = np.full(len(pairing.candidate_units) + 1, -1, np.int64)  # the last, for no unit, stays -1
        of_candidate[pairing.candidate_unit[scores.candidate]] = np.arange(len(scores.candidate))
        column = of_candidate[best[pairing.query_unit[scores.query]]]
        rows = np.flatnonzero(column >= 0)
        matched.append(scores.similarity[rows, column[rows]])
    values = np.concatenate(matched) if matched else np.empty(0)
    return float(values.mean()) if len(values) else float("nan")
