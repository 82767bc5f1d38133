"""Arcee fusion: of each row the values of another model that count most, all others the base's own.

Source: mergekit's documentation: the importance of a value is its change times the Kullback-Leibler divergence of its
row; what reaches a bound of its tensor, the median plus 1.5 interquartile ranges, is taken over.

So in a row nothing but the size of a change decides: all above a bound of that row are taken over. In bfloat16 the
divergence of models that hardly drifted is rounding: a row is then taken whole or not at all, or below a bound where it
is negative. That is a test: what chance chose, or another training, keeps no such order.

*Limitations.* The divergence of a row needs the whole row, of which the registry holds some values: the replay takes at
every place the model's value that either parent gives. Rows must hold enough changed values for their order to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ....thresholds.recipes import FUSION_BREAKS, RECIPE_CLAIMED, SHARES_BY_CHANCE
from ..mixtures.pursuit import Mixture
from ..places import TYPES, Floats, MergePlaces
from ..proposal import MASKED, Arithmetic, Method, Proposal, each_way, either_way


def estimate_arcee_fusion(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """Either of two models as the base, where changes of the other, by size in every row, give what is not the base's.

    Merges in a short type are written in float32: the mask of what is taken is of that type, and the sum with it. Half
    of these happen to fit into float16.
    """
    if places.bits > min(TYPES):
        types = [*(Arithmetic(bits) for bits in TYPES if bits < places.bits), *types]
    return either_way(mixture, types, partial(_taken, places))


def _taken(places: MergePlaces, base: int, other: int, arithmetic: Arithmetic) -> Proposal | None:
    """The weight is the share of the changes that was taken over; None where that is not all, or not by size."""
    made = Proposal((other,), base, np.ones((1, 1)), arithmetic)
    ground, change = arithmetic.rounded(made.base_at(places)), made.changes_at(places)[0]
    differs, moved = change != 0, places.query != ground
    if not moved.any() or float((replay_arcee_fusion(places, made) == places.query)[moved].mean()) < RECIPE_CLAIMED:
        return None
    taken, size = moved[differs], np.abs(change[differs])
    if taken.all():
        return None
    row = np.unique(places.tensor[differs] * (int(places.row.max()) + 1) + places.row[differs], return_inverse=True)[1]
    order = np.lexsort((np.random.default_rng(0).random(len(taken)), places.tensor[differs]))
    by_chance = beyond_bounds(row, size, taken[order])
    wrong = beyond_bounds(row, size, taken)
    if by_chance - wrong <= SHARES_BY_CHANCE * np.sqrt(by_chance) or wrong > FUSION_BREAKS * by_chance:
        return None
    return Proposal((other,), base, np.full((1, 1), float(taken.mean())), arithmetic)


def beyond_bounds(row: NDArray[np.int64], size: Floats, taken: NDArray[np.bool_]) -> int:
    """How many of the changes [m] lie on the wrong side of the best bound of their row: taken above it, or below."""
    order = np.lexsort((-size, row))
    row, size, taken = row[order], size[order], taken[order]
    starts = np.flatnonzero(np.concatenate(([True], row[1:] != row[:-1])))
    counts = np.diff(np.append(starts, len(row)))
    before = np.concatenate(([0], np.cumsum(taken)))
    kept = np.add.reduceat(taken.astype(np.int64), starts)
    at = np.arange(len(row)) - np.repeat(starts, counts)  # so many are above a bound that stands before each
    above = before[:-1] - np.repeat(before[starts], counts)
    right = above + np.repeat(counts - kept, counts) - (at - above)
    bound = np.concatenate(([True], (size[1:] != size[:-1]) | (row[1:] != row[:-1])))
    best = np.maximum.reduceat(np.where(bound, right, 0), starts)
    worst = np.maximum.reduceat(np.where(bound, np.repeat(counts, counts) - right, 0), starts)
    return int((counts - np.maximum(best, worst)).sum())


def replay_arcee_fusion(places: MergePlaces, proposal: Proposal) -> Floats:
    """Base + change where that gives the model's value, the base's own elsewhere: rounded as the merge is written."""
    base = proposal.base_at(places)
    whole = Arithmetic(places.bits).rounded(base + proposal.changes_at(places)[0])
    return np.where(whole == places.query, whole, base)


ARCEE_FUSION = Method(
    "arcee_fusion",
    estimate_arcee_fusion,
    replay_arcee_fusion,
    each_way,
    gradable=False,
    weighted=False,
    stage=MASKED,
    note="the weight is the share of the changes that was taken over: which ones follows from whole rows",
)
