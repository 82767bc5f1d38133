"""Linear merges: the weighted mean. Source: Wortsman et al., "Model soups", 2022."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .places import Floats, MergePlaces
from .proposal import Arithmetic, Method, Proposal, shares, transfers
from .pursuit import Mixture


def estimate_linear(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """The mixture's own weights; nothing for changes of a base, which have other methods."""
    if mixture.base is not None or len(mixture.members) < 2:
        return []
    return [Proposal(mixture.members, None, shares(mixture.weights), each) for each in types]


def replay_linear(places: MergePlaces, proposal: Proposal) -> Floats:
    """sum(w x) / sum(w): in float32 as mergekit does it today, or in steps with cast weights as it did before."""

    def rounded(values: Floats) -> Floats:
        return proposal.arithmetic.rounded(values) if proposal.arithmetic.stepwise else values

    weights = rounded(proposal.weights_at(places))
    total = np.zeros(len(places.query), np.float32)
    for weight, parent in zip(weights, proposal.parents_at(places), strict=True):
        total = total + rounded(weight * parent)
    divisor = rounded(np.asarray(weights.sum(axis=0), np.float32))
    return rounded(np.asarray(rounded(total) / divisor, np.float32))


LINEAR = Method("linear", estimate_linear, replay_linear, transfers)
