"""Linear merges: the weighted mean. Source: Wortsman et al., "Model soups", 2022."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import permutations, product

import numpy as np

from ..mixtures.pursuit import Mixture
from ..places import Floats, MergePlaces, Vector
from ..proposal import Arithmetic, Method, Proposal, shares, transfers
from ..rounding import graded_weights

MOST_ORDERS = 3
"""Parents whose order is tried: sums in float32 depend on it, also once they are rounded. Four have 24 orders."""


def estimate_linear(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """The mixture's own weights; nothing for changes of a base, which have other methods."""
    if mixture.base is not None or len(mixture.members) < 2:
        return []
    several = len(mixture.members) <= MOST_ORDERS
    orders = list(permutations(range(len(mixture.members)))) if several else [tuple(range(len(mixture.members)))]
    return [
        Proposal(tuple(mixture.members[i] for i in order), None, shares([mixture.weights[i] for i in order]), each)
        for each in types
        for order in orders
    ]


def replay_linear(places: MergePlaces, proposal: Proposal) -> Floats:
    """sum(w x) / sum(w): in float32 as mergekit does it today, or in steps with cast weights as it did before."""

    def rounded(values: Floats) -> Floats:
        return proposal.arithmetic.rounded(values) if proposal.arithmetic.stepwise else values

    weights = rounded(proposal.weights_at(places))
    total = np.zeros(len(places.query), np.float32)
    for weight, parent in zip(weights, proposal.parents_at(places), strict=True):
        if proposal.arithmetic.stepwise:
            total = total + rounded(weight * parent)
        else:  # one rounding for product and sum, as processors do it
            total = (total + weight.astype(np.float64) * parent).astype(np.float32)
    divisor = rounded(np.asarray(weights.sum(axis=0), np.float32))
    return rounded(np.asarray(rounded(total) / divisor, np.float32))


_PARTS = {2: 20, 3: 20, 4: 10}
"""Parents -> parts of 1 that their weights are tried in, each from one part to all: people write tenths."""
_RATIO_OFF = 0.06
"""How far shares of such weights may be from those that were estimated: of light changes, rounded in steps, least
squares was off by 0.057."""


@lru_cache
def _written(parents: int) -> Vector:
    """All weights [k, n] that n parents may have in few parts of 1."""
    parts = _PARTS.get(parents, 0)
    return np.array(list(product(range(1, parts + 1), repeat=parents)), np.float64).reshape(-1, parents) / max(parts, 1)


def ratios(weights: Vector) -> list[Vector]:
    """Weights [n, 1] of about the same ratio, as people write them: with a sum of 1, the largest 1 or 2, or any sum.

    The sum that they are divided by shows in the last digit: 0.606, 0.2525 and 0.1515 give 0.995 of what 0.6, 0.25 and
    0.15 give, and 0.5 and 0.5 give 0.967 of what 0.3 and 0.3 do. Thirds are no decimals, and people write 1, 1, 1.
    """
    if weights.shape[1] > 1:
        return []
    share, scaled = weights / weights.sum(), weights / weights.max()
    made = [np.round(share, digits) for digits in (1, 2, 3)]
    made += [np.round(scaled * largest, digits) for largest in (1, 2) for digits in (0, 1, 2)]
    grid = _written(len(weights))
    near = np.abs(grid / grid.sum(axis=1, keepdims=True) - share[:, 0]).max(axis=1, initial=0.0) <= _RATIO_OFF
    made += [each[:, None] for each in grid[near]]
    return [each for each in made if (each > 0).all()]


LINEAR = Method("linear", estimate_linear, replay_linear, transfers, restarts=ratios, within=graded_weights)
