"""Which freedoms a rewrite used: what may be changed in the weights of a model without changing what it computes.

Each is told from what is left of it in the kept values, where that can be: a basis from tokens and from what reads the
residual stream, the order of neurons from their activations, scales from gains and from sizes. Rows of q, k and v that
match nothing may be turned or reordered, or be other rows; only the set of columns of o tells that heads moved.

*Limitations.* Signs of a residual stream that was also reordered, scales of queries against keys, and what was done
inside of heads whose rows match nothing, leave no trace in what is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..evidence.activations import same_places
from ..evidence.gains import matched_vectors
from ..evidence.pair import PairEvidence
from ..thresholds.relation import FEW_NEURONS_FOR_ORDER, MOST_LAYERS, RESCALED, SAME_PLACES
from ..thresholds.significance import TENSOR_LOG_P

State = Literal["changed", "kept", "unclear"]
_READERS = ("q", "k", "v", "gate", "up")


@dataclass(frozen=True, slots=True)
class Freedom:
    """One freedom: `what` of a model, whether it was used, and `found`, what tells so in words.

    `unclear` is what was looked at and does not tell; what could not be looked at has no record.
    """

    what: str
    state: State
    found: str


def freedoms_of(evidence: PairEvidence) -> tuple[Freedom, ...]:
    """Every freedom that can be looked at, of a query that matches its candidate."""
    shares = {kind: _shares(evidence, kind) for kind in ("positions", "gram", "minhash")}
    residual = _residual(evidence, shares)
    kept = residual is not None and residual.state == "kept"
    found = [residual]
    if _same_rows(evidence, ("gate", "up")):  # where neurons or heads were cut, those that stayed stand elsewhere too
        found.append(_neurons(evidence, shares))
    if _same_rows(evidence, ("q", "k", "v")):
        found += _attention(shares, residual_kept=kept)
    return tuple(one for one in (*found, _gains(evidence, in_place=kept), _up(evidence)) if one is not None)


def freedoms_sentence(freedoms: Sequence[Freedom]) -> str:
    """What was changed, then what differs and does not tell; "" where nothing did."""
    changed, unclear = ([one for one in freedoms if one.state == state] for state in ("changed", "unclear"))
    said = "; ".join(f"{one.what} {one.found}" for one in (*changed, *unclear))
    return f"rewritten: {said}" if changed else said


def _same_rows(evidence: PairEvidence, roles: Sequence[str]) -> bool:
    """Whether the matrices of those roles have as many rows in both models: neurons, or rows of heads."""
    sides = (evidence.pairing.query, evidence.pairing.candidate)
    mine, theirs = (
        {
            (role, c.shapes[i][0])
            for i, role in enumerate(c.roles)
            if role in roles and len(c.shapes[i]) > 1 and not c.slots[i]
        }
        for c in sides
    )
    return bool(mine) and mine == theirs


_Shares = dict[str, float]
"""Role -> share of its tensors in matched blocks that have a significant counterpart there."""


def _shares(evidence: PairEvidence, kind: str) -> _Shares:
    """How much of each role matches by a kind of evidence, in the blocks that belong together by any kind."""
    pairing, alignment = evidence.pairing, evidence.alignment(kind)
    found: dict[str, list[NDArray[np.bool_]]] = {}
    for scores in alignment.scores if alignment else ():
        of_candidate = np.full(len(pairing.candidate_units) + 1, -1, np.int64)  # the last, for no unit, stays -1
        of_candidate[pairing.candidate_unit[scores.candidate]] = np.arange(len(scores.candidate))
        column = of_candidate[evidence.block_map[pairing.query_unit[scores.query]]]
        rows = np.flatnonzero(column >= 0)
        role = pairing.query.roles[int(scores.query[0])]
        found.setdefault(role, []).append(scores.log_p(rows, column[rows]) <= TENSOR_LOG_P)
    return {role: float(np.concatenate(some).mean()) for role, some in found.items() if sum(map(len, some))}


def _residual(evidence: PairEvidence, shares: dict[str, _Shares]) -> Freedom | None:
    what = "residual basis"
    places, columns = shares["positions"], shares["minhash"]
    if not places and not evidence.tokens:
        return None
    signed, unsigned = _token_correlations(evidence)
    if signed >= SAME_PLACES:
        return Freedom(what, "kept", "as it was")
    if unsigned >= SAME_PLACES:
        return Freedom(what, "changed", "with other signs")
    if any(share >= MOST_LAYERS for share in places.values()):
        return Freedom(what, "kept", "as it was")
    if any(columns.get(role, 0.0) >= MOST_LAYERS for role in _READERS):
        return Freedom(what, "changed", "in another order")
    return Freedom(what, "changed", "turned, or in an order that training has hidden")


def _token_correlations(evidence: PairEvidence) -> tuple[float, float]:
    """Correlation of the values of shared tokens at the same columns, and of their magnitudes; -1 without any."""
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    mine, theirs = query.tokens.get("embed"), candidate.tokens.get("embed")
    if mine is None or theirs is None or query.inputs[mine.tensor] != candidate.inputs[theirs.tensor]:
        return -1.0, -1.0
    _, rows, others = np.intersect1d(mine.keys, theirs.keys, return_indices=True)
    if not len(rows):
        return -1.0, -1.0
    values = mine.values[rows].astype(np.float64), theirs.values[others].astype(np.float64)
    return _correlation(*values), _correlation(*map(np.abs, values))


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    a, b = _centred(first), _centred(second)
    length = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / length if length > 0 else 0.0


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values [n, m] without the means of their rows and of their columns."""
    values = values - values.mean(axis=0)
    return np.asarray(values - values.mean(axis=1, keepdims=True))


def _neurons(evidence: PairEvidence, shares: dict[str, _Shares]) -> Freedom | None:
    what = "neurons"
    pairs, same = same_places(evidence.pairing, evidence.block_map)
    if pairs >= FEW_NEURONS_FOR_ORDER:
        if same >= SAME_PLACES * pairs:
            return Freedom(what, "kept", "in their order")
        return Freedom(what, "changed", f"in another order ({pairs - same} of {pairs} pairs stand elsewhere)")
    if shares["gram"].get("gate", 0.0) >= MOST_LAYERS:
        return Freedom(what, "kept", "in their order")
    return None


def _attention(shares: dict[str, _Shares], *, residual_kept: bool) -> list[Freedom]:
    """Heads, rotary planes and value bases, from the angles of the leading rows of q, k and v."""
    rows, columns = shares["gram"], shares["minhash"]
    if not {"k", "v"} <= rows.keys():
        return []
    queries, keys, values = (rows.get(role, 0.0) >= MOST_LAYERS for role in ("q", "k", "v"))
    moved = residual_kept and columns.get("o", 0.0) >= MOST_LAYERS and not (keys and values)
    if moved and not keys and not values:
        return [Freedom("heads", "changed", "in another order")]
    if keys or values:
        ordered = queries or not keys
        return [
            _looked("heads", ordered, "in their order", "of queries differ: reordered in their groups, or others"),
            _looked("rotary planes", keys, "as they were", "differ: queries and keys turned, or others"),
            _looked("value bases", values, "as they were", "differ: turned, or others"),
        ]
    return [Freedom("rows of q, k and v", "unclear", "differ: heads reordered, planes and bases turned, or others")]


def _looked(what: str, kept: bool, same: str, other: str) -> Freedom:
    return Freedom(what, "kept", same) if kept else Freedom(what, "unclear", other)


def _gains(evidence: PairEvidence, *, in_place: bool) -> Freedom | None:
    """Gains of matched norms: set to one number, or by factors; out of place their sorted values are compared."""
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    rows, partners = matched_vectors(evidence.pairing, evidence.block_map)
    spreads, constant, varying = [], 0, 0
    for row, partner in zip(rows.tolist(), partners.tolist(), strict=True):
        tensor = int(query.vector.tensor[row])
        if query.roles[tensor] != "norm" or query.layer[tensor] < 0:
            continue
        count = int(query.sampled[tensor])
        mine, theirs = (np.abs(c.vector.value[at, :count].astype(np.float64))
                        for c, at in ((query, row), (candidate, partner)))  # fmt: skip
        if not (mine > 0).all() or not (theirs > 0).all():
            continue
        constant += int(np.ptp(mine) == 0 and np.ptp(theirs) > 0)
        varying += 1
        ratio = mine / theirs if in_place else np.sort(mine) / np.sort(theirs)
        spreads.append(float(np.log(ratio).std()))
    if not varying:
        return None
    if constant == varying:
        return Freedom("gains", "changed", "set to one number")
    if float(np.median(spreads)) > RESCALED:
        return Freedom("gains", "changed", "multiplied by factors")
    return Freedom("gains", "kept", "as they were") if in_place else None


def _up(evidence: PairEvidence) -> Freedom | None:
    """The size of `up` against that of `gate`, which reads the same: the median over matched layers."""
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    if query.deviation is None or candidate.deviation is None:
        return None
    sizes: list[dict[tuple[int, str], float]] = []
    for component, deviation in ((query, query.deviation), (candidate, candidate.deviation)):
        places = zip(component.layer.tolist(), component.roles, component.expert.tolist(), strict=True)
        found = [(layer, role) if expert < 1 and role in {"gate", "up"} else None for layer, role, expert in places]
        sizes.append({at: float(deviation[i]) for i, at in enumerate(found) if at is not None and deviation[i] > 0})
    pairing, ratios = evidence.pairing, []
    for unit, other in enumerate(evidence.block_map.tolist()):
        layers = pairing.query_units[unit][0], pairing.candidate_units[other][0]
        keys = [(size, (layer, role)) for size, layer in zip(sizes, layers, strict=True) for role in ("up", "gate")]
        if other < 0 or not all(key in size for size, key in keys):
            continue
        mine_up, mine_gate, up, gate = (size[key] for size, key in keys)
        ratios.append(np.log(mine_up / mine_gate / (up / gate)))
    if not ratios:
        return None
    if abs(float(np.median(ratios))) > RESCALED:
        return Freedom("up scales", "changed", "multiplied by factors")
    return Freedom("up scales", "kept", "as they were")
