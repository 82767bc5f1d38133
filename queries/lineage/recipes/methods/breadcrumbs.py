"""Breadcrumbs: neither the largest changes nor the smallest.

Source: Davari and Belilovsky, "Model Breadcrumbs: Scaling Multi-Task Model Merging with Sparse Masks", 2024.

*Limitations.* As of TIES: ranks within a whole tensor are estimated from its samples, and tuned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ....data.precision import rounded_to
from ....thresholds.recipes import WORTH_SEARCHING
from ..mixtures.pursuit import Mixture
from ..places import Floats, MergePlaces, Vector
from ..proposal import SELECTED, Arithmetic, Method, Proposal, each_way
from ..regression import LEAST
from .changes import kept, spread, summed, written
from .ties import TUNED

_DENSITIES = np.linspace(0.1, 0.9, 9)
_GAMMAS = (0.01, 0.05, 0.1)
"""Shares of the largest changes that the search starts from; mergekit takes 0.01 where nothing else is said."""
_GAMMA_STEPS = (np.linspace(-0.04, 0.04, 21), np.linspace(-0.012, 0.012, 7))


_GRID = np.arange(5, 151, dtype=np.float32) / np.float32(100)
"""Weights that are tried where one change was kept alone: people write two decimals."""


def estimate_breadcrumbs(
    places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic], *, consensus: bool
) -> list[Proposal]:
    """Of the starting densities, gammas and types, each with its own weights, those that reproduce most."""
    if mixture.base is None or len(mixture.members) < 2:
        return []
    count = len(mixture.members)
    few, chosen = places.few_tensors()
    changed = places.changed[np.isin(places.tensor, chosen)]
    plain = [
        Proposal(mixture.members, mixture.base, np.ones((count, 1)), replace(each, stepwise=True), setting)
        for each in types
        for density in _DENSITIES
        for gamma in _GAMMAS
        if (setting := spread([gamma + density] * count + [gamma] * count, few)).max() <= 1
    ]

    def best_of(tried: Sequence[Proposal]) -> tuple[Proposal, float]:
        shares = [(replay_breadcrumbs(few, one, consensus=consensus) == few.query)[changed].mean() for one in tried]
        return tried[int(np.argmax(shares))], float(max(shares))

    best, share = best_of([replace(one, weights=_weights(few, one, consensus=consensus)) for one in plain])
    if not share >= WORTH_SEARCHING:
        return []
    alone = weights_kept_alone(few, best)
    with_those = best_of([replace(one, weights=alone) for one in plain])[0]
    everywhere, those_everywhere = (
        replace(one, setting=spread([] if one.setting is None else one.setting[:, 0].tolist(), places))
        for one in (best, with_those)
    )
    return [
        replace(everywhere, weights=_weights(places, everywhere, consensus=consensus)),
        those_everywhere,
    ]


def weights_kept_alone(places: MergePlaces, proposal: Proposal) -> Vector:
    """For each parent the weight [n, 1] under which its change alone gives most of the values that are not the base's.

    Where the other changes were left out it gives them bit for bit: so no density has to be known, and least squares
    of changes that were kept in part leads astray.
    """
    rounded, base = proposal.arithmetic.rounded, proposal.base_at(places)
    moved = places.query != base
    query, base = places.query[moved], base[moved]
    found = []
    for change in proposal.changes_at(places)[:, moved]:
        made = rounded(base + rounded(rounded(_GRID)[:, None] * change))
        found.append(float(_GRID[int((rounded_to(made, places.bits) == query).sum(axis=1).argmax())]))
    return np.array(found)[:, None]


def _weights(places: MergePlaces, proposal: Proposal, *, consensus: bool) -> Vector:
    """Least squares [n, 1] of what would be kept; with `consensus` where no two changes of other signs meet."""
    count = len(proposal.members)
    setting = proposal.densities, None if proposal.setting is None else proposal.setting[count:]
    changes = kept(places, proposal, *setting).astype(np.float64) * places.scale
    target = (places.query.astype(np.float64) - proposal.base_at(places)) * places.scale
    if consensus:
        one_sign = (changes >= 0).all(axis=0) | (changes <= 0).all(axis=0)
        changes, target = changes[:, one_sign], target[one_sign]
    return np.asarray(np.maximum(np.linalg.lstsq(changes.T, target)[0], LEAST))[:, None]


def replay_breadcrumbs(places: MergePlaces, proposal: Proposal, *, consensus: bool) -> Floats:
    """Base + the weighted sum of the changes in the middle; with `consensus` of those of the elected sign."""
    if proposal.setting is None:
        raise ValueError("breadcrumbs need the ranks between which changes are kept")
    count = len(proposal.members)
    changes = kept(places, proposal, proposal.setting[:count], proposal.setting[count:])
    return summed(places, proposal, changes, consensus=consensus)


def _settings(setting: Vector, row: int, fine: int) -> list[Vector]:
    """The last rank that is kept moves as the densities of TIES do, the first by a fourth of it."""
    if row < len(setting) // 2:
        return [np.clip(setting[row] + more, 0.01, 1.0) for more in TUNED[min(fine, 1)]]
    return [np.clip(setting[row] + more, 0.0, 0.5) for more in _GAMMA_STEPS[min(fine, 1)]]


def _parameters(proposal: Proposal) -> list[dict[str, float]]:
    if proposal.setting is None:
        return []
    firsts = np.median(proposal.setting[len(proposal.members) :], axis=1)
    lasts = np.median(proposal.densities, axis=1)
    return [
        {"density": written(float(last - first), proposal.setting.shape[1]), "gamma": round(float(first), 2)}
        for first, last in zip(firsts, lasts, strict=True)
    ]


def _breadcrumbs(name: str, *, consensus: bool) -> Method:
    return Method(
        name,
        partial(estimate_breadcrumbs, consensus=consensus),
        partial(replay_breadcrumbs, consensus=consensus),
        each_way,
        settings=_settings,
        gradable=False,
        stage=SELECTED,
        parameters=_parameters,
    )


BREADCRUMBS = _breadcrumbs("breadcrumbs", consensus=False)
BREADCRUMBS_TIES = _breadcrumbs("breadcrumbs_ties", consensus=True)
