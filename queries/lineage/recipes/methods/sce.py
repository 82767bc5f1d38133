"""SCE: the changes that differ most among the parents, each parent by the energy of its own, of the elected sign.

Source: Wan et al., "FuseChat: Knowledge Fusion of Chat Models", 2024.

*Limitations.* Which changes are selected and how much a parent has follow from whole tensors: both are estimated from
the samples of each, and tuned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ....thresholds.recipes import REFINING_FROM
from ..places import SEARCHED, Floats, MergePlaces, Vector
from ..proposal import SELECTED, Arithmetic, Method, Proposal, each_way
from ..pursuit import Mixture
from .changes import ranks, spread, with_bases
from .ties import TUNED

_SHARES = np.linspace(0.1, 1.0, 10)
"""Shares of changes that the search starts from."""
_FACTORS = (np.linspace(0.7, 1.3, 31), np.linspace(0.98, 1.02, 17))
"""Factors of a parent's weight: 256 values give the energy of a tensor to 9 % (one standard error)."""


def estimate_sce(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """Energies from the samples, and of the starting shares and types those that reproduce most."""
    tried = []
    for one in with_bases(mixture):
        if one.base is None or len(one.members) < 2:
            continue
        for each in types:
            arithmetic = replace(each, stepwise=True)
            for share in _SHARES:
                empty = spread([share] + [1.0] * len(one.members), places)
                made = Proposal(one.members, one.base, np.ones((len(one.members), 1)), arithmetic, empty)
                energy = _energies(places, made)
                weights = energy.mean(axis=1, keepdims=True)
                tried.append(replace(made, weights=weights, setting=np.vstack([empty[:1], energy])))
    if not tried:
        return []
    some = places.thinned(SEARCHED)
    changed = places.changed[:: places.step(SEARCHED)]
    shares = [(replay_sce(some, one) == some.query)[changed].mean() for one in tried]
    return [tried[int(np.argmax(shares))]] if max(shares) >= REFINING_FROM else []


def _energies(places: MergePlaces, proposal: Proposal) -> Vector:
    """Each parent's share [n, tensors] of the squares of what is selected."""
    selected = np.where(_selected(places, proposal), proposal.changes_at(places), 0).astype(np.float64)
    squares = np.stack([np.bincount(places.tensor, np.square(change)) for change in selected])
    total = squares.sum(axis=0)
    return np.asarray(np.where(total > 0, squares / np.where(total > 0, total, 1), 1 / len(squares)))


def _selected(places: MergePlaces, proposal: Proposal) -> NDArray[np.bool_]:
    """Where [m] the changes differ most: the largest share of the variances that are not 0."""
    if proposal.setting is None:
        raise ValueError("SCE needs the share that is selected")
    changes = proposal.changes_at(places)
    key = ("variance", proposal.members, proposal.base, proposal.arithmetic.bits)
    rank, counts = places.once(key, lambda: _ranked(places, np.asarray(changes.var(axis=0), np.float32)))
    share = proposal.setting[0]
    return np.asarray((rank < np.round(share * counts)[places.tensor]) | (share >= 1)[places.tensor])


def _ranked(places: MergePlaces, variance: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rank [m] of each variance in its tensor, and how many [tensors] are not 0."""
    return ranks(places.tensor, variance), np.bincount(places.tensor, variance > 0).astype(np.int64)


def replay_sce(places: MergePlaces, proposal: Proposal) -> Floats:
    """Base + the weighted mean of what is selected and of the elected sign, in the type of the merge."""
    if proposal.setting is None:
        raise ValueError("SCE needs shares and weights")
    rounded, base = proposal.arithmetic.rounded, proposal.base_at(places)
    changes = np.where(_selected(places, proposal), proposal.changes_at(places), np.float32(0))
    elected = np.where(changes.sum(axis=0) >= 0, np.float32(1), np.float32(-1))
    weights = rounded(proposal.setting[1:].astype(np.float32))[:, places.tensor] * (np.sign(changes) == elected)
    total = rounded(np.asarray(rounded(changes * weights).sum(axis=0), np.float32))
    divisor = rounded(np.maximum(weights.sum(axis=0), np.float32(1e-6)))
    return rounded(np.asarray(base + rounded(total / divisor), np.float32))


def _settings(setting: Vector, row: int, fine: int) -> list[Vector]:
    if row == 0:
        return [np.clip(setting[row] + more, 0.01, 1.0) for more in TUNED[fine]]
    return [np.clip(setting[row] * factor, 0.0, 1.0) for factor in _FACTORS[fine]]


SCE = Method(
    "sce",
    estimate_sce,
    replay_sce,
    each_way,
    settings=_settings,
    gradable=False,
    weighted=False,
    stage=SELECTED,
    shared=lambda proposal: {"select_topk": round(float(np.median(proposal.densities[0])), 2)},
    note="the weights are the means over tensors of what the parents' changes give",
)
