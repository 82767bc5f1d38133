"""Adapters compared with adapters: their null, and what two of them that are alike have in common.

Two adapters of one base that saw similar data move in the same few directions u and v, each with weights of its own
seed: B = u c', A = A0 + c v'. Entry by entry they correlate as two vectors c do, over as many numbers as the rank has,
so that 256 values would make strangers significant. The factors are therefore *levelled*, their singular values set to
1: then at worst (all directions shared, randomly rotated) a correlation is the trace of a random rotation over k ranks,
of variance 1 / k^2, and k^2 values are what it counts for, 64 at most. (E tr(Q)^2 = 1 for Haar-distributed Q:
Diaconis and Shahshahani, "On the eigenvalues of random matrices", 1994.)

Norm gains do not exist here. What tells a common training from a common initialisation is B, which starts at 0.
"""

from __future__ import annotations

import numpy as np

from ..ingest.adapters import rank_axis
from .evidence import PairEvidence
from .relation import HIGH_IDENTITY, TRAINED_APART, Relation, relate


def relate_factors(evidence: PairEvidence) -> Relation:
    """The relation of two adapters that are significantly alike."""
    found = relate(evidence)
    if found.origin == "shared_initialisation" or {"identical", "numeric_copy"} & set(found.flags):
        return Relation("derived", found.flags, f"factors correlate at {evidence.match.identity:.2f}")
    down, up = _identity(evidence, "A"), _identity(evidence, "B")
    text = f"lora_A correlates at {down:.2f}, lora_B at {up:.2f}"
    if np.isnan(up):
        return Relation("undecided", found.flags, f"{text}: no lora_B to compare, a common initialisation is not excluded")
    if up <= TRAINED_APART * down:
        why = ", which starts at zero: the same random initialisation, trained apart"
        return Relation("shared_initialisation", ("shared_initialisation",), text + why)
    if up < HIGH_IDENTITY:
        why = ": one run continued, or two from one random initialisation on similar data"
        return Relation("undecided", found.flags, text + why)
    return Relation("derived", found.flags, text)


def _identity(evidence: PairEvidence, factor: str) -> float:
    """Mean correlation of the factors A or B, by size, those without a match at 0; NaN when the query has none."""
    query, match = evidence.pairing.query, evidence.match
    wanted = "AB".index(factor)
    mine = np.array([rank_axis(s) == wanted for s in query.slots], np.bool_) & query.evidenced
    shared = set(evidence.pairing.candidate.rows_by_key("positions"))
    mine &= np.array([key in shared for key in query.keys], np.bool_)
    size = match.weight[mine].sum()
    return float((match.weight[mine] * match.similarity[mine]).sum() / size) if size > 0 else float("nan")

