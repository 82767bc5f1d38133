"""Marks that cannot be undone: what says that one of two models was made after the other, whatever the distances say.

A mark takes an order away. It does not make the earlier model an ancestor: a sibling of the parent bears it too.
Each is one function here and a line in MARKS.

Limitations: a vocabulary that grew and rows of tokens that became trained are no marks here: the rows that would show
them are not read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..data.precision import BFLOAT16, fraction_bits, mean_levels, quantised
from ..evidence.pair import PairEvidence
from ..relation.flags import doubled_layers
from ..relation.within import within
from ..thresholds.lineage import (
    MARK_FEW_VALUES,
    MARK_FILLED,
    MARK_LEAST_SHARE,
    MARK_MOSTLY,
    MARK_OFF_LATTICE,
    MARK_OUTSIDE,
)
from ..thresholds.relation import LEAST_ROUNDING, QUANTISED_LEVELS

Order = Literal["query_later", "candidate_later"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark: its name in answers, and who of two models came later by it; None where it says nothing."""

    name: str
    order: Callable[[PairEvidence], Order | None]


def _structure(evidence: PairEvidence) -> Order | None:
    """Fewer layers, each of another layer of the candidate: cut. A layer that stands twice: doubled after.

    The first or the last layers alone tell nothing: a model to which layers were added at an end, or which was put
    together from two, looks the same from there.
    """
    pairing = evidence.pairing
    mine, theirs = (int(c.layer.max(initial=-1)) + 1 for c in (pairing.query, pairing.candidate))
    if mine == theirs or not mine or not theirs:
        return None
    twice = doubled_layers(evidence)
    if mine > theirs:
        return "query_later" if twice.query else None
    if twice.candidate:
        return "candidate_later"
    return "query_later" if twice.all_found and not twice.at_one_end else None


def _experts(evidence: PairEvidence) -> Order | None:
    """Routed experts that are one dense feed-forward were made of it."""
    pairing = evidence.pairing
    pairs = [(pairing.query_units[i], pairing.candidate_units[j]) for i, j in enumerate(evidence.block_map) if j >= 0]
    if any(q[1] >= 0 and c[1] < 0 for q, c in pairs):
        return "query_later"
    return "candidate_later" if any(q[1] < 0 and q[2] and c[1] >= 0 for q, c in pairs) else None


def _width(evidence: PairEvidence) -> Order | None:
    """A narrower model whose columns are among a wider one's was cut from it."""
    match, query, candidate = evidence.match, evidence.pairing.query, evidence.pairing.candidate
    other = np.flatnonzero(match.kind > 0)
    if not len(other):
        return None
    mine, theirs = query.inputs[other], candidate.inputs[match.tensor[other]]
    if (mine < theirs).any():
        return "query_later"
    return "candidate_later" if (mine > theirs).any() else None


def _lattice(evidence: PairEvidence) -> Order | None:
    """Values of a finer type that stand on a coarser file's values bit for bit, beside others that do not.

    Rounding a finer model never gives values that it had; what was trained on from the coarser file keeps those that
    training did not touch. Values of a quantised file are on a coarser lattice by chance, and tell nothing.
    """
    query, candidate, match = evidence.pairing.query, evidence.pairing.candidate, evidence.match
    if quantised(query) or quantised(candidate) or fraction_bits(query) == fraction_bits(candidate) == BFLOAT16:
        return None
    tensors = query.positions.tensor
    mine = np.flatnonzero(match.kind[tensors] == 0)
    if not len(mine):
        return None
    theirs = np.searchsorted(candidate.positions.tensor, match.tensor[tensors[mine]])
    inside = np.arange(query.positions.value.shape[1]) < query.sampled[tensors[mine]][:, None]
    first = np.asarray(query.positions.value[mine], np.float32)[inside]
    second = np.asarray(candidate.positions.value[theirs], np.float32)[inside]
    if len(first) < MARK_FEW_VALUES:
        return None
    equal = float(((first == second) & (first != 0)).mean())
    off = [float(((v.view(np.uint32) & 0xFFFF) != 0).mean()) for v in (first, second)]
    if equal < MARK_LEAST_SHARE or max(off) < MARK_OFF_LATTICE or min(off) > 0:
        return None
    return "query_later" if off[0] > off[1] else "candidate_later"


def _levels(evidence: PairEvidence) -> Order | None:
    """Values nearer to another model's few levels than one rounding to them leaves anything: trained off those levels.

    The error of a rounding is spread over a whole step. Of 8-bit groups it is 0.006 of the weights' size; a light
    fine-tune of a dequantised file moved 0.0002 of it.
    """
    query, candidate, match = evidence.pairing.query, evidence.pairing.candidate, evidence.match
    if match.share("positions") < MARK_MOSTLY or not match.distance > 0:
        return None
    mine, theirs = mean_levels(query), mean_levels(candidate)
    if min(mine, theirs) > QUANTISED_LEVELS or abs(mine - theirs) <= 1:
        return None
    if match.distance >= LEAST_ROUNDING:
        return None
    return "query_later" if mine > theirs else "candidate_later"


def _rounded(evidence: PairEvidence) -> Order | None:
    """Values spread over the steps of another model's codes as rounding leaves them: the codes were made after.

    They are of a near relative, or of the model itself. Training on the codes' own values leaves them next to the
    levels, or beyond the steps where it is heavy: 6 % of a Gaussian that lies as far from the levels are outside.
    """
    held = within(evidence)
    if held is None or held.places < MARK_FEW_VALUES or held.filled < MARK_FILLED:
        return None
    if held.outside > MARK_OUTSIDE * held.places:
        return None
    return "query_later" if held.by_query else "candidate_later"


MARKS: tuple[Mark, ...] = (
    Mark("layers cut or doubled", _structure),
    Mark("experts made of one feed-forward", _experts),
    Mark("hidden size cut", _width),
    Mark("values of a coarser file kept", _lattice),
    Mark("trained off the levels of a quantised file", _levels),
    Mark("rounded to the codes of a quantised file", _rounded),
)


def order_by_marks(evidence: PairEvidence) -> tuple[Order | None, tuple[str, ...], bool]:
    """Who came later by all marks, their names, and whether two of them contradict each other."""
    found: list[tuple[str, Order]] = [
        (mark.name, order) for mark in MARKS if (order := mark.order(evidence)) is not None
    ]
    orders = {order for _, order in found}
    only = found[0][1] if len(orders) == 1 else None
    return only, tuple(name for name, _ in found), len(orders) > 1
