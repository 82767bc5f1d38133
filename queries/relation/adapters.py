"""Adapters compared with adapters: their null, and what two of them that are alike have in common.

Two adapters of one base that saw similar data move in the same few directions u and v, each with weights of its own
seed: B = u c', A = A0 + c v'. Entry by entry they correlate as two vectors c do, over as many numbers as the rank has,
so that 256 values would make unrelated models significant. The factors are therefore made of *equal spectrum*, their
singular values set to 1: then at worst (all directions shared, randomly rotated) a correlation is the trace of a random
rotation over k ranks, of variance 1 / k^2, and k^2 values are what it counts for, 64 at most. (E tr(Q)^2 = 1 for
Haar-distributed Q: Diaconis and Shahshahani, "On the eigenvalues of random matrices", 1994.)

Norm gains do not exist here. What tells a common training from a common initialisation is B, which starts at 0.
Only copies count as derived: a training that is repeated from one seed with the data in another order ends nearer to
the first (B at 0.94 and 0.97 in small trained Llamas) than the first one continued does (0.81 and 0.86).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...ingest.fingerprint.factors import rank_axis
from ...ingest.names.naming import ADAPTER
from ..evidence.pair import PairEvidence
from ..thresholds.relation import SHARE_OF_B_BY_CHANCE
from .flags import Relation, relate

_COPIES = frozenset({"identical", "numeric_copy"})


def relation_of(evidence: PairEvidence) -> Relation:
    """The relation that significant evidence shows, of two models or of two adapters."""
    return relate_factors(evidence) if evidence.pairing.query.kind == ADAPTER else relate(evidence)


def relate_factors(evidence: PairEvidence) -> Relation:
    """The relation of two adapters that are significantly alike."""
    found = relate(evidence)
    down, up = _identity(evidence, "A"), _identity(evidence, "B")
    text = f"lora_A correlates at {down:z.2f}, lora_B at {up:z.2f}"
    if np.isnan(up):
        flags = tuple(f for f in found.flags if f not in _COPIES)
        why = "no lora_B in both to compare: a common initialisation is not excluded"
        return Relation("undetermined", flags, f"lora_A correlates at {down:z.2f}, {why}")
    if _COPIES & set(found.flags):
        return Relation("derivation", found.flags, text)
    if _matched(evidence) <= SHARE_OF_B_BY_CHANCE:
        why = ", which starts at zero: the same random initialisation, trained apart"
        return Relation("shared_initialisation", ("shared_initialisation",), text + why)
    why = ": one training continued, or repeated from the same random initialisation; weights do not tell which"
    return Relation("undetermined", found.flags, text + why)


def _identity(evidence: PairEvidence, factor: str) -> float:
    """Mean correlation of the factors A or B, by size, those without a match at 0; NaN when the query has none."""
    match, mine = evidence.match, _shared(evidence, factor)
    size = match.weight[mine].sum()
    return float((match.weight[mine] * match.similarity[mine]).sum() / size) if size > 0 else float("nan")


def _matched(evidence: PairEvidence) -> float:
    """Share of the factors B, by size, that are significantly alike each by itself."""
    match, mine = evidence.match, _shared(evidence, "B")
    size = match.weight[mine].sum()
    return float(match.weight[mine & (match.kind >= 0)].sum() / size) if size > 0 else 0.0


def _shared(evidence: PairEvidence, factor: str) -> NDArray[np.bool_]:
    """Which tensors of the query are factors A or B that the candidate has too."""
    query = evidence.pairing.query
    theirs = set(evidence.pairing.candidate.rows_by_key("positions"))
    wanted = "AB".index(factor)
    found = [rank_axis(s) == wanted and key in theirs for s, key in zip(query.slots, query.keys, strict=True)]
    return np.array(found, np.bool_) & query.scorable
