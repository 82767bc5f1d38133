"""TIES: the largest changes of each parent, of the sign that most agree on. Source: Yadav et al., "TIES-Merging", 2023.

*Limitations.* How large a change must be follows from a whole tensor; the samples give an estimate, which the replay
tunes for each tensor. Among equal changes the choice is the sorting's: those places count as not reproduced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from ....thresholds.recipes import WORTH_SEARCHING
from ..mixtures.pursuit import Mixture
from ..places import SEARCHED, Floats, MergePlaces, Vector
from ..proposal import TRIMMED, Arithmetic, Method, Proposal, each_way
from .changes import kept, medians, summed

_DENSITIES = np.linspace(0.1, 1.0, 10)
"""Densities that the search starts from, the same for all parents, as nearly every published recipe has them."""
_GRIDS = {2: np.linspace(0.1, 1.2, 23), 3: np.linspace(0.2, 1.0, 9)}
"""Weights that two or three parents start from; more start from equal ones."""
GLANCE = 1_024
"""Places that the grid is tried at: a standard error of 0.015."""
TUNED = (np.linspace(-0.15, 0.15, 21), np.linspace(-0.014, 0.014, 15))
"""What is added to a tensor's density: 256 values give the place of a quantile to 0.03 (one standard error).
Then steps of half a value of 256."""


def estimate_ties(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """The mixture's weights, and of the starting densities and types those that reproduce most."""
    if mixture.base is None or len(mixture.members) < 2:
        return []
    weights = shares_of_changes(mixture)
    tensors = int(places.tensor.max()) + 1
    densities = [np.full((len(weights), tensors), density) for density in _DENSITIES]
    tried = [
        Proposal(mixture.members, mixture.base, weights, replace(each, stepwise=True), density)
        for each in types
        for density in densities
    ]
    some = places.thinned(SEARCHED)
    changed = places.changed[:: places.step(SEARCHED)]
    shares = [(replay_ties(some, one) == some.query)[changed].mean() for one in tried]
    best = tried[int(np.argmax(shares))]
    return [_weighed(places, best) if max(shares) >= WORTH_SEARCHING else best]


def _weighed(places: MergePlaces, proposal: Proposal) -> Proposal:
    """The weights of a grid that reproduce most, at some of the places: only where changes meet do weights show."""
    grid = _GRIDS.get(len(proposal.members))
    if grid is None:
        return proposal
    some = places.thinned(GLANCE)
    tries = [replace(proposal, weights=np.array(w)[:, None]) for w in product(grid, repeat=len(proposal.members))]
    return max(tries, key=lambda one: some.share(replay_ties(some, one)))


def _moves(parents: int) -> Vector:
    """Every weight alone, and all together: rounding shows their size, not their ratio alone."""
    together = np.ones((1, parents))
    return np.vstack([each_way(parents), together, -together])


def weights_of_ratio(weights: Vector) -> list[Vector]:
    """Weights of two decimals in the same ratio: it is their products' rounding that tells one size from another."""
    ratio, steps = weights / weights[0], np.arange(-0.01, 0.011, 0.01)
    firsts = np.arange(0.05, 1.5, 0.01)
    near = [np.round(ratio * first, 2) for first in firsts]
    last = np.zeros_like(ratio)
    last[-1] = 1.0
    return [made for weights in near for step in steps if ((made := np.round(weights + step * last, 2)) > 0).all()]


def shares_of_changes(mixture: Mixture) -> Vector:
    """Weights [n, 1] that sum to 1: TIES divides by the weights that agree."""
    weights = np.array(mixture.weights)
    return np.asarray((weights / weights.sum())[:, None])


def replay_ties(places: MergePlaces, proposal: Proposal) -> Floats:
    """Base + the weighted mean of the changes that are kept and of the elected sign, in the type of the merge."""
    if proposal.setting is None:
        raise ValueError("TIES needs the densities of its parents")
    changes = kept(places, proposal, proposal.setting)
    return summed(places, proposal, changes, consensus=True, normalized=True)


TIES = Method(
    "ties",
    estimate_ties,
    replay_ties,
    _moves,
    settings=lambda setting, row, fine: [np.clip(setting[row] + more, 0.01, 1.0) for more in TUNED[min(fine, 1)]],
    restarts=weights_of_ratio,
    gradable=False,
    stage=TRIMMED,
    parameters=lambda proposal: medians(proposal.densities, "density"),
)
