"""What is told of every relative of a query: direction with its probability, and how likely it is the nearest ancestor.

Copies first: what equals the query, or is one rounding of it. Merges name their parents. Everything else is placed by
geometry, within the orders that claims and marks leave.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..data.component import Component
from ..data.precision import coded, fraction_bits, median_levels, quantised
from ..evidence.pair import PairEvidence
from ..relation.flags import Relation, equal_values
from ..relation.rounding import by_groups, coarseness, rounding_told
from ..relation.same_values import same_tensors, same_values
from ..relation.within import within
from ..thresholds.lineage import (
    COVERED_BY_COPY,
    FITS_BETTER,
    LIGHT_MERGE_LATER,
    LIGHT_MERGE_PARENTS,
    MERGE_LEFT_OUT,
    MERGE_MOVED,
    MERGE_PARENTS,
    NOT_EXCLUDED,
    ROUNDED_FROM_NEAREST,
    SURE,
)
from .calibration.regressions import State
from .claims import DATES, FROM_SCRATCH, NEWEST, Claims
from .direction import Direction, direction_of, is_light, place, prior
from .family import Family, family
from .geometry import Distances
from .marks import Order, order_by_marks
from .rooting import Known

if TYPE_CHECKING:
    from .merges.replayed import Replayed

MERGE_OF_QUERY = "a merge of the query"
"""What the direction of a relative rests on that was put together from the query and others."""


@dataclass(frozen=True, slots=True)
class Relative:
    """One significant candidate as lineage sees it; `declared` where the query names it as its base."""

    model_id: int
    name: str
    evidence: PairEvidence
    relation: Relation
    declared: bool = False

    @property
    def copy(self) -> str | None:
        """`identical` or `numeric_copy`, None where it is neither."""
        return next((f for f in self.relation.flags if f in {"identical", "numeric_copy"}), None)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one relative: its direction, its share among the candidates for the nearest ancestor, and how it is a copy.

    `copy` is None where the query is no copy of it; `coarser` is how much coarser its values are than the query's,
    below 0 where they are finer, 0 where neither could have been rounded to the other. `merged_with` names the other
    parents of a merge.
    """

    direction: Direction
    nearest: float
    copy: str | None = None
    coarser: float = 0.0
    merged_with: tuple[str, ...] = ()


def judge(relatives: Sequence[Relative], claims: Claims) -> list[Judgement]:
    """The judgement of every relative, in their order; they match the query by positions, the nearest first."""
    if not relatives:
        return []
    kin = family([r.evidence for r in relatives])
    copies = _copies(relatives, kin)
    orders = [order_by_marks(r.evidence) for r in relatives]
    merged = kin.parents.get(kin.query, ())
    query = relatives[0].evidence.pairing.query
    light = (is_light(kin.distances) or quantised(query)) and not kin.of_layers
    checked = light or (kin.of_sum and _replayable(query))
    tried = checked and (merged or kin.within >= MERGE_MOVED)
    again = _merged_again(relatives, copies, merged, by_chance=kin.within >= MERGE_LEFT_OUT) if tried else None
    if again is not None:
        merged = again.parents
    elif light and (coded(query) or any(coarser < 0 for coarser in copies.values())):
        merged = ()  # values on one grid are multiples of each other's changes
    merged = _best_known(relatives, kin, merged, claims)
    if any(claims.later(relatives[i].model_id) or i in copies or orders[i][0] == "candidate_later" for i in merged):
        merged = ()
    placed = [i for i in range(len(relatives)) if i not in copies and i not in merged and i not in kin.copy_of]
    toward, away, nearest, state = _placed(relatives, kin, placed, claims, [o for o, _, _ in orders])
    held = _holding_a_root(relatives, kin, claims)
    certainty = LIGHT_MERGE_PARENTS if checked and again is None else MERGE_PARENTS
    of_query = {i: _of_query(relatives, kin, i, light=light) for i, each in kin.parents.items() if kin.query in each}
    nearest = _weighed(nearest, {i: 1 - later for i, (_, later) in of_query.items()})
    found = []
    for i, one in enumerate(relatives):
        if i in copies:
            found.append(_of_copy(one, copies[i]))
            continue
        by = _by(one, claims, orders[i], state, len(placed), relatives, held.get(i))
        ancestor, descendant = toward.get(i, prior(state)), away.get(i, 0.0 if state == "newest" else prior(state))
        if i in merged:
            ancestor, descendant, by = certainty, 1 - certainty, (_merge_of_these(again), *by)
        elif i in of_query:
            made, later = of_query[i]
            ancestor, descendant, by = 1 - later, made, (MERGE_OF_QUERY, *by)
        share = nearest.get(i, 0.0)
        if kept := _cut(one, orders[i][0]):
            ancestor, descendant = kept
            share, by = float(ancestor > descendant), ("every value that both hold is equal bit for bit", *by)
        ancestor, descendant = _claimed(one, claims, orders[i][0], ancestor, descendant, root=i in held)
        partners = tuple(relatives[j].name for j in merged if j != i) if i in merged else ()
        share = 1.0 if i in merged else share
        direction = direction_of(ancestor, descendant, by)
        if one.relation.origin != "derivation" and direction.kind not in {"unknown"}:
            direction = Direction("unknown", direction.probability, by, direction.descendant)
        found.append(Judgement(direction, share, merged_with=partners))
    return found


def _merged_again(
    relatives: Sequence[Relative], copies: Container[int], named: Sequence[int], *, by_chance: bool
) -> Replayed | None:
    """The merge of relatives that are no copies which gives the query's values, by their numbers."""
    from .merges.replayed import replayed  # 0.4 s, which most questions do not need

    others = [i for i in range(len(relatives)) if i not in copies]
    found = replayed(
        relatives[0].evidence.pairing.query,
        [relatives[i].evidence.pairing.candidate for i in others],
        [others.index(i) for i in named if i in others],
        by_chance=by_chance,
    )
    return None if found is None else replace(found, parents=tuple(others[i] for i in found.parents))


def _replayable(merge: Component) -> bool:
    """Whether rounding is known of what a merge writes: where values have 16 bits, a true one comes out bit for bit.

    Values of 32 bits need weights to the last digit, which samples do not give.
    """
    return not quantised(merge) and fraction_bits(merge) < 23


def _of_query(relatives: Sequence[Relative], kin: Family, merge: int, *, light: bool) -> tuple[float, float]:
    """How likely a relative on the line between the query and another is a merge of it, and how likely no ancestor.

    At heavy drift both are told, in 16 bits where replay of the two gives its values: a change that was made twice, or
    once at half its strength, leaves models on one line as well.
    """
    if light:
        return LIGHT_MERGE_PARENTS, LIGHT_MERGE_LATER
    from .merges.replayed import replayed

    pairings = [one.evidence.pairing for one in relatives]
    made = pairings[merge].candidate
    parents = [pairings[0].query if i == kin.query else pairings[i].candidate for i in kin.parents[merge]]
    if _replayable(made) and replayed(made, parents, range(len(parents))) is None:
        return LIGHT_MERGE_PARENTS, LIGHT_MERGE_LATER
    return MERGE_PARENTS, MERGE_PARENTS


def _best_known(relatives: Sequence[Relative], kin: Family, merged: Sequence[int], claims: Claims) -> tuple[int, ...]:
    """The parents of a merge, each by the one of its equals that is a claimed root, or is declared; else as it is."""
    if not merged:
        return ()
    alike = _as_one(relatives, kin, range(len(relatives)))

    def known(parent: int) -> int:
        equals = [j for j in np.flatnonzero(alike[parent]).tolist() if j == parent or j not in merged]
        return max(equals, key=lambda j: (relatives[j].model_id in claims.roots, relatives[j].declared, j == parent))

    return tuple(known(parent) for parent in merged)


def _merge_of_these(again: Replayed | None) -> str:
    """What the direction of a merge's parent rests on."""
    proof = "" if again is None else f", which gives {again.share:.1%} of its changed values bit for bit"
    return f"a merge of these{proof}"


def _copies(relatives: Sequence[Relative], kin: Family) -> dict[int, float]:
    """Relatives that the query equals or is one rounding of -> how much coarser than the query they are.

    Where a format says what a rounding leaves open, only what fits is a source, if anything does. Elsewhere rounding in
    groups also leaves open what differs from the source by less than the rounding does: a source is taken away where
    another model, as fine as it, fits the copy better.
    """
    rounded = {i: coarseness(r.evidence) for i, r in enumerate(relatives) if r.copy == "numeric_copy"}
    inside = {i: within(relatives[i].evidence) for i, coarser in rounded.items() if coarser < 0}
    if any(held is not None and held.told for held in inside.values()):
        rounded = {i: c for i, c in rounded.items() if (held := inside.get(i)) is None or held.beyond == 0}
    finer = [i for i, coarser in rounded.items() if coarser < 0]
    levels = [median_levels(r.evidence.pairing.candidate) for r in relatives]
    found = {i: 0.0 for i, r in enumerate(relatives) if r.copy == "identical"}
    for i, coarser in rounded.items():
        copy, source, rivals = kin.query, i, [r for r in finer if levels[r] >= levels[i] - 1]
        if coarser > 0:
            copy, source, rivals = i, kin.query, [r for r, held in enumerate(levels) if held > levels[i] + 1]
        if not coarser or not any(fits_better(kin.distances, rival, source, copy) for rival in rivals):
            found[i] = coarser
    return found


def fits_better(distances: Distances, rival: int, source: int, copy: int) -> bool:
    """Whether a copy was made from the rival and not from the source, beyond what sampling makes seem.

    Rounding errors are independent of what differs between the two: the squared distance of the copy to the one that it
    was not made from is larger, by the squared distance between the two.
    """
    squared = distances.squared
    apart = squared[rival, source]
    if rival in (source, copy) or apart <= 0:
        return False
    nearer = (squared[source, copy] - squared[rival, copy]) / apart
    error = 2 * np.sqrt(squared[source, copy] / (distances.count * apart))
    return bool(nearer - NOT_EXCLUDED * error >= FITS_BETTER)


def _of_copy(one: Relative, coarser: float) -> Judgement:
    if one.copy == "identical":
        return Judgement(Direction("copy", 0.5, ("equal values",), 0.5), 1.0, copy=one.copy)
    if not coarser:
        by = "both are as coarse, and differ by no more than rounding does"
        return Judgement(Direction("copy", 0.5, (by,), 0.5), 1.0, copy=one.copy)
    sure = ROUNDED_FROM_NEAREST if by_groups(one.evidence) else SURE
    probability = 1 - sure if coarser > 0 else sure
    by = "it is a rounding of the query" if coarser > 0 else "the query is a rounding of it, which loses values"
    by += rounding_told(one.evidence)
    return Judgement(Direction("copy", probability, (by,), 1 - probability), 1.0, copy=one.copy, coarser=coarser)


def _cut(one: Relative, order: Order | None) -> tuple[float, float] | None:
    """Of two models of which one is the other with layers left out or doubled and no value changed: which it is."""
    match = one.evidence.match
    if order is None or match.matched < COVERED_BY_COPY or match.distance > 0 or equal_values(one.evidence) < 1:
        return None
    return (SURE, 0.0) if order == "query_later" else (0.0, SURE)


Shares = dict[int, float]


def _weighed(shares: Shares, by: Shares) -> Shares:
    """Shares times `by`, where it says so, that sum to what they did."""
    weighed = {i: share * by.get(i, 1.0) for i, share in shares.items()}
    total = sum(weighed.values())
    return {i: share * sum(shares.values()) / total for i, share in weighed.items()} if total > 0 else weighed


def _placed(
    relatives: Sequence[Relative], kin: Family, placed: Sequence[int], claims: Claims, orders: Sequence[Order | None]
) -> tuple[Shares, Shares, Shares, State]:
    """What geometry says of the relatives `placed` in the tree, by their numbers, and on which state of knowledge."""
    known, state = _known(relatives, placed, claims, orders)
    if not placed or not kin.common:
        return {}, {}, {i: 1.0 / len(placed) for i in placed}, state
    members = np.array([*placed, kin.query])
    found = place(kin.distances.take(members), known, state)
    able = np.array([not claims.later(relatives[i].model_id) and orders[i] != "candidate_later" for i in placed])
    share = _shared(np.where(able, found.nearest, 0.0), able, _as_one(relatives, kin, placed))
    share = share / share.sum() if share.sum() > 0 else share
    numbers = list(placed)
    return (
        dict(zip(numbers, found.ancestor.tolist(), strict=True)),
        dict(zip(numbers, found.descendant.tolist(), strict=True)),
        dict(zip(numbers, share.tolist(), strict=True)),
        state,
    )


def _as_one(relatives: Sequence[Relative], kin: Family, placed: Sequence[int]) -> NDArray[np.bool_]:
    """Which of the relatives `placed` [n, n] hold the same values as far as the query can show: it is no finer."""
    finest = fraction_bits(relatives[0].evidence.pairing.query)
    fine = np.array([fraction_bits(relatives[i].evidence.pairing.candidate) >= finest for i in placed])
    equal = kin.distances.squared[np.ix_(placed, placed)] <= 0
    return np.asarray((equal & fine & fine[:, None]) | np.eye(len(placed), dtype=np.bool_))


def _shared(shares: NDArray[np.float64], able: NDArray[np.bool_], alike: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Shares [n], the same for those of the `able` [n] that are `alike` [n, n], which values do not tell apart."""
    among = alike & able
    return np.where(able, among @ shares / np.maximum(among.sum(axis=1), 1), shares)


def _known(
    relatives: Sequence[Relative], placed: Sequence[int], claims: Claims, orders: Sequence[Order | None]
) -> tuple[Known, State]:
    """What claims and marks say of the order of the members of the tree, the query last."""
    roots = [n for n, i in enumerate(placed) if relatives[i].model_id in claims.roots]
    dates = {
        n: claims.released[relatives[i].model_id].timestamp()
        for n, i in enumerate(placed)
        if relatives[i].model_id in claims.released
    }
    if claims.query_released:
        dates[len(placed)] = claims.query_released.timestamp()
    every = len(dates) == len(placed) + 1
    if len(roots) == 1 and claims.query_root is None:
        order = _after(dates, roots[0]) if every else None
        return Known(root=roots[0], order=order), "root and dates" if order else "root"
    if every:
        return Known(order=dates), "dates"
    first = [claims.earlier(relatives[i].model_id) or orders[i] == "query_later" for i in placed]
    return (Known(newest=len(placed)), "newest") if placed and all(first) else (Known(), "none")


def _after(dates: dict[int, float], root: int) -> dict[int, float] | None:
    """The dates, unless they contradict the root."""
    return dates if dates[root] <= min(dates.values()) else None


def _holding_a_root(relatives: Sequence[Relative], kin: Family, claims: Claims) -> dict[int, int]:
    """Relatives that are no claimed root and hold the weights of one -> that root, by their numbers.

    The same file under another name holds them, and so does what a root of codes was unpacked to: nobody trains codes,
    so what came from that root came by those values, where they are as fine as the query's. A float root's rounding
    to a coarser type is no such thing: the query may have come from the root beside it.
    """
    found: dict[int, int] = {}
    roots = [i for i, one in enumerate(relatives) if one.model_id in claims.roots] if kin.common else []
    components = [r.evidence.pairing.candidate for r in relatives]
    finest = fraction_bits(relatives[0].evidence.pairing.query)
    for root in roots:
        for i, other in enumerate(components):
            if i in roots or kin.distances.unequal[root, i] > 0:
                continue
            unpacked = coded(components[root]) and not coded(other) and fraction_bits(other) >= finest
            if same_values(components[root], other) if unpacked else same_tensors(components[root], other):
                found[i] = root
    return found


def _claimed(
    one: Relative, claims: Claims, order: Order | None, ancestor: float, descendant: float, *, root: bool
) -> tuple[float, float]:
    """The two probabilities within what claims and marks allow; `root` says that it holds the weights of a root."""
    key = one.model_id
    if claims.later(key) or order == "candidate_later":
        ancestor = 0.0
    if claims.earlier(key) or order == "query_later":
        descendant = 0.0
    if (root or key in claims.roots) and claims.query_root is None and not claims.later(key):
        return SURE, 0.0
    if claims.query_root is not None and key not in claims.roots and not claims.earlier(key):
        return 0.0, SURE
    return ancestor, descendant


def _by(
    one: Relative,
    claims: Claims,
    marked: tuple[Order | None, tuple[str, ...], bool],
    state: State,
    placed: int,
    relatives: Sequence[Relative],
    held: int | None,
) -> tuple[str, ...]:
    """What a direction rests on, in words; a claim is named a claim. `held` is the root whose weights it holds."""
    key, found = one.model_id, []
    if key in claims.roots:
        found.append(f"the claim that {one.name} {FROM_SCRATCH} ({claims.roots[key]})")
    if claims.query_root is not None:
        found.append(f"the claim that the query {FROM_SCRATCH} ({claims.query_root})")
    if held is not None:
        root = relatives[held]
        found.append(f"it holds the weights of {root.name}")
        found.append(f"the claim that {root.name} {FROM_SCRATCH} ({claims.roots[root.model_id]})")
    elif state in {"root", "root and dates"} and key not in claims.roots:
        root = next(r for r in relatives if r.model_id in claims.roots)
        found.append(f"the claim that {root.name} {FROM_SCRATCH}")
    if claims.later(key) or (claims.earlier(key) and not claims.newest):
        found.append(DATES)
    if claims.newest:
        found.append(NEWEST)
    _, names, contradict = marked
    if names:
        found.append("marks: " + ", ".join(names) + (" (which contradict each other)" if contradict else ""))
    if (inside := within(one.evidence)) is not None and inside.excluded and inside.reason:
        found.append(inside.reason)
    if placed > 1:
        found.append(f"distances among {placed + 1} models")
    return tuple(found)


__all__ = ["Judgement", "Relative", "fits_better", "judge"]
