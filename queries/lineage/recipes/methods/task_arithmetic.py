"""Task arithmetic: a base plus weighted changes.

Source: Ilharco et al., "Editing Models with Task Arithmetic", 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..places import Floats, MergePlaces
from ..proposal import Arithmetic, Method, Proposal, each_way
from ..pursuit import Mixture


def estimate_task_arithmetic(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """The weights of a mixture of changes; of a plain one of three or more, each member in turn for a base."""
    if mixture.base is None:
        if len(mixture.members) < 3:
            return []
        turned = [
            Mixture(
                tuple(m for n, m in enumerate(mixture.members) if n != base),
                tuple(w for n, w in enumerate(mixture.weights) if n != base),
                mixture.residual,
                mixture.members[base],
            )
            for base in range(len(mixture.members))
        ]
        return [made for one in turned for made in estimate_task_arithmetic(places, one, types)]
    if len(mixture.members) < 2 or mixture.trimmed:  # of one parent it is a linear merge, or that parent is one
        return []
    weights = np.array(mixture.weights)[:, None]
    stepwise = [replace(each, stepwise=True) for each in types]
    return [Proposal(mixture.members, mixture.base, weights, each) for each in stepwise]


def replay_task_arithmetic(places: MergePlaces, proposal: Proposal) -> Floats:
    """Base + sum(w (x - base)), every step in the type that the merge computes in."""
    rounded, base = proposal.arithmetic.rounded, proposal.base_at(places)
    weights = rounded(proposal.weights_at(places))
    total = np.zeros(len(base), np.float32)
    for weight, change in zip(weights, proposal.changes_at(places), strict=True):
        total = total + rounded(change * weight)
    return rounded(base + rounded(total))


TASK_ARITHMETIC = Method("task_arithmetic", estimate_task_arithmetic, replay_task_arithmetic, each_way)
