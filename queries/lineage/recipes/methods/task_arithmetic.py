"""Task arithmetic: a base plus weighted changes.

Source: Ilharco et al., "Editing Models with Task Arithmetic", 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from ..mixtures.pursuit import Mixture
from ..places import Floats, MergePlaces, Vector
from ..proposal import Arithmetic, Method, Proposal, each_way, transfers
from .changes import summed, with_bases

_GLANCE = 1_024
"""Places that the grid is tried at: a standard error of 0.015."""
_GRID = np.linspace(0.1, 1.2, 23)
"""Weights that two parents start from, beside those of least squares."""


def estimate_task_arithmetic(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """The weights of a mixture of changes; of a plain one of three or more, each member in turn for a base."""
    if mixture.base is None:
        return [made for one in with_bases(mixture) for made in estimate_task_arithmetic(places, one, types)]
    if len(mixture.members) < 2 or mixture.trimmed:  # of one parent it is a linear merge, or that parent is one
        return []
    weights = np.array(mixture.weights)[:, None]
    made = [Proposal(mixture.members, mixture.base, weights, replace(each, stepwise=True)) for each in types]
    return [*made, *(other for one in made if (other := _of_grid(places, one)) is not None)]


def _of_grid(places: MergePlaces, proposal: Proposal) -> Proposal | None:
    """The weights of a grid that reproduce most of some changed values; None for more than two parents.

    Of light changes, rounded in steps, least squares was off by a half.
    """
    changed = np.flatnonzero(places.changed)
    if len(proposal.members) != 2 or not len(changed):
        return None
    some = places.some(changed).thinned(_GLANCE)
    tries = [replace(proposal, weights=np.array(w)[:, None]) for w in product(_GRID, repeat=2)]
    return max(tries, key=lambda one: some.share(replay_task_arithmetic(some, one)))


def replay_task_arithmetic(places: MergePlaces, proposal: Proposal) -> Floats:
    """Base + sum(w (x - base)), every step in the type that the merge computes in."""
    return summed(places, proposal, proposal.changes_at(places))


def _moves(parents: int) -> Vector:
    """Each way alone, and from one parent to another: of light changes two weights may be wrong in opposite ways."""
    return np.vstack([each_way(parents), transfers(parents)])


TASK_ARITHMETIC = Method("task_arithmetic", estimate_task_arithmetic, replay_task_arithmetic, _moves)
