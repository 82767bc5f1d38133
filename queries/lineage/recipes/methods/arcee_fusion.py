"""Arcee fusion: of each tensor the few values of another model that count most, all others the base's own.

Source: mergekit's documentation: the importance of a value is its change times the Kullback-Leibler divergence of its
row; what reaches the median plus 1.5 interquartile ranges is taken over. That bound never lies below the upper
quartile, so a fourth of the changes at most are taken, and large ones.

*Limitations.* The divergence of a row needs the whole row, of which the registry holds some values: the replay takes at
every place the model's value that either parent gives. Kept changes must then be few and large. In bfloat16 the
divergence of models that hardly drifted is nothing but rounding, and which rows are taken is chance: nothing is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from ....thresholds.recipes import FUSION_BY_SIZE, FUSION_TAKES, RECIPE_CLAIMED
from ..places import TYPES, Floats, MergePlaces
from ..proposal import MASKED, Arithmetic, Method, Proposal, each_way, either_way
from ..pursuit import Mixture
from .changes import kept_by_size, ranks


def estimate_arcee_fusion(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """Either of two models as the base, where few and large changes of the other give all that is not the base's.

    Merges in a short type are written in float32: the mask of what is taken is of that type, and the sum with it.
    """
    if places.bits == 23:
        types = [*(Arithmetic(bits) for bits in TYPES if bits < 23), *types]
    return either_way(mixture, types, partial(_taken, places))


def _taken(places: MergePlaces, base: int, other: int, arithmetic: Arithmetic) -> Proposal | None:
    """The weight is the share of the changes that was taken over; None where those are not few, large, and all."""
    made = Proposal((other,), base, np.ones((1, 1)), arithmetic)
    ground, change = arithmetic.rounded(made.base_at(places)), made.changes_at(places)[0]
    differs, moved = change != 0, places.query != ground
    if not moved.any() or float((replay_arcee_fusion(places, made) == places.query)[moved].mean()) < RECIPE_CLAIMED:
        return None
    taken = (differs & moved)[differs]
    if taken.mean() > FUSION_TAKES:
        return None
    tensor = np.unique(places.tensor[differs], return_inverse=True)[1].astype(np.int64)
    size = -ranks(tensor, change[differs]) / np.bincount(tensor)[tensor]
    if float(kept_by_size(taken[None, :], size[None, :])[0]) < FUSION_BY_SIZE:
        return None
    return Proposal((other,), base, np.full((1, 1), float(taken.mean())), arithmetic)


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
