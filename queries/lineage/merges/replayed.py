"""Whether a model is the merge that it looks like: what merging its relatives writes, beside its values bit for bit.

Where models drifted by less than their type keeps, lying on a line is weak evidence: a near relative of a parent that
is not registered lies there as well. A merge that is computed anew gives nearly every value, and nothing else does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...data.component import Component
from ...thresholds.recipes import FEWEST_CHANGED, SUM_CLAIMED
from ..recipes.methods import METHODS
from ..recipes.places import places_of
from ..recipes.proposal import TRIMMED
from ..recipes.refining import proven
from ..recipes.trials import tried, turned_round

_MOST = 6
"""Relatives that are tried together, those that are named first: time was chosen."""
_SIMPLE = tuple(method for method in METHODS if method.stage <= TRIMMED)
"""Sums, and what follows from ranks. Changes left out at random take longer and are told of heavy drift alone."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A merge that gives the query: its `parents` by their numbers, and the share of the changed values."""

    parents: tuple[int, ...]
    share: float


def replayed(query: Component, relatives: Sequence[Component], named: Sequence[int]) -> Replayed | None:
    """The merge of relatives that gives the query, by their numbers; None where none of those tried does.

    Tried are the `named` ones, which are thought to be its parents, and of the others those that come first.
    """
    chosen = [*named, *(i for i in range(len(relatives)) if i not in named)][:_MOST]
    places = places_of(query, [relatives[i] for i in chosen])
    if places is None or not np.isfinite(places.query).all():
        return None
    kept = np.flatnonzero(np.isfinite(places.relatives).all(axis=1)).tolist()  # a stranger's file may hold anything
    if len(kept) < 2 or int((places := places.of(kept)).changed.sum()) < FEWEST_CHANGED:
        return None
    chosen = [chosen[i] for i in kept]
    fits = [fit for fit, _ in tried(places, methods=_SIMPLE) if proven(places, fit) >= SUM_CLAIMED]
    best = max(fits, key=lambda fit: fit.share, default=None)
    if best is None or turned_round(places, best) is not None:
        return None
    return Replayed(tuple(chosen[member] for member in best.proposal.members), best.share_of(places.changed))
