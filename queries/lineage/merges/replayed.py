"""Whether a model is the merge that it looks like: what merging its relatives writes, beside its values bit for bit.

Where models drifted by less than their type keeps, lying on a line is weak evidence: a near relative of a parent that
is not registered lies there as well. A merge that is computed anew gives nearly every value, and nothing else does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...data.component import Component
from ...data.precision import float_bits
from ...thresholds.lineage import MERGE_NEARER
from ...thresholds.recipes import CHOICE_CLAIMED, FEWEST_CHANGED, PARENT_MAY_LACK, SUM_CLAIMED
from ..recipes.methods import METHODS
from ..recipes.mixtures.pursuit import nearest_pairs, span_of
from ..recipes.places import MergePlaces, keys_of, places_of
from ..recipes.proposal import MASKED, TRIMMED
from ..recipes.refining import proven
from ..recipes.trials import of_two, spared, tried, turned_round

_MOST = 32
"""Relatives that are tried together, those that are named first: time was chosen."""
_SIMPLE = tuple(method for method in METHODS if method.stage <= TRIMMED)
"""Sums, and what follows from ranks. Changes left out at random take longer, and are tried where they are likely."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A merge that gives the query: its `parents` by their numbers, and the share of the changed values."""

    parents: tuple[int, ...]
    share: float


def replayed(
    query: Component, relatives: Sequence[Component], named: Sequence[int], *, by_chance: bool = False
) -> Replayed | None:
    """The merge of relatives that gives the query, by their numbers; None where none of those tried does.

    Changes left out at random are tried where it may be `by_chance`. Tried are the `named` ones, which are thought to
    be its parents, and of the others those that come first. What lacks tensors of the query is none of them: no merge
    is made from it, and only what all hold can be compared.
    """
    mine = keys_of(query).keys()
    whole = [
        i for i, one in enumerate(relatives) if len(mine & keys_of(one).keys()) >= (1 - PARENT_MAY_LACK) * len(mine)
    ]
    chosen = [*(i for i in named if i in whole), *(i for i in whole if i not in named)][:_MOST]
    places = places_of(query, [relatives[i] for i in chosen])
    if places is None or not np.isfinite(places.query).all():
        return None
    kept = np.flatnonzero(np.isfinite(places.relatives).all(axis=1)).tolist()  # a stranger's file may hold anything
    if len(kept) < 2 or int((places := places.of(kept)).changed.sum()) < FEWEST_CHANGED:
        return None
    chosen = [chosen[i] for i in kept]
    if places.finer:
        some = _one_of_each(places)
        if (
            found := _given([chosen[i] for i in some], places.of(some).cast(), bool(named), by_chance=by_chance)
        ) is not None:
            return found
    return _given(chosen, places.as_they_are(), bool(named), by_chance=by_chance)


def _one_of_each(places: MergePlaces) -> list[int]:
    """Of relatives that the query's type keeps alike the finest, which the others are roundings of."""
    groups: dict[bytes, list[int]] = {}
    for number, values in enumerate(places.cast().relatives):
        groups.setdefault(values.tobytes(), []).append(number)
    return sorted(max(same, key=lambda i: float_bits(places.relatives[i])) for same in groups.values())


def _given(chosen: Sequence[int], places: MergePlaces, likely: bool, *, by_chance: bool) -> Replayed | None:
    """The merge that gives the query at some places, its parents by what is `chosen` for them.

    Unless one is `likely`, it is looked for only where the changes of two come nearer than one relative does.
    """
    if int(places.changed.sum()) < FEWEST_CHANGED or not (likely or _between(places)):
        return None
    needed = {MASKED: CHOICE_CLAIMED}
    fits = [
        fit
        for fit, _ in tried(places, methods=METHODS if by_chance else _SIMPLE)
        if proven(places, fit) >= needed.get(fit.method.stage, SUM_CLAIMED)
    ]
    best = max(fits, key=lambda fit: fit.share, default=None)
    if best is not None and (two := of_two(places, best, None)) is not None:
        best = two.best
    if best is None or turned_round(places, best) is not None or spared(places, best):
        return None
    return Replayed(tuple(chosen[member] for member in best.proposal.members), best.share_of(places.changed))


def _between(places: MergePlaces) -> bool:
    """Whether the weighted changes of two relatives from a third leave clearly less than the nearest relative does."""
    apart = span_of(places).apart
    every = range(apart.shape[1])
    nearest = nearest_pairs(apart, every, every, 1)
    return bool(nearest) and nearest[0].residual <= MERGE_NEARER * float(np.square(apart).sum(axis=0).min())
