"""Merges that leave changes out at random: DARE and DELLA, linear and with elected signs.

Sources: Yu et al., "Language Models are Super Mario", 2024 (DARE); Deep et al., "DELLA-Merging", 2024. What is kept is
rescaled to the L1 norm of the whole change: next to 1 / density, but a tensor at a time.

*Limitations.* Which changes were kept follows from a seed that nobody states: at every place the replay takes the
choice that gives the model's value, so that such a recipe has more freedom than others. What other parents' changes
reach with the same freedom, put out of their places, must be far less; where a family has drifted too little for that,
nothing is told. Scales of tensors cannot be had in float32: of merges that were computed so nothing is told either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .....thresholds.recipes import (
    CONSTANT_WEIGHTS,
    KEPT_BY_SIZE,
    LEAST_WEIGHT,
    MASKED_BY_CHANCE,
    MASKED_WORTH_SEARCHING,
    RECIPE_CLAIMED,
    REFINING_FROM,
    SHARES_BY_CHANCE,
)
from ...mixtures.pursuit import Mixture
from ...places import SEARCHED, Floats, MergePlaces, Vector
from ...proposal import MASKED, Arithmetic, Method, Proposal, each_way
from ..changes import spread
from ..ties import GLANCE, weights_of_ratio
from .choices import by_chance, given_by_scales, kept_shares, replay_masked

MOST_MASKED_PARENTS = 3
"""Eight choices a place; with four parents it would be sixteen."""
_DENSITIES = np.linspace(0.1, 0.9, 17)
_SCALES = (np.linspace(0.85, 1.15, 31), np.linspace(0.97, 1.03, 25))
"""Factors of a tensor's scale: kept changes of a tensor have its L1 norm to some percent; then steps of bfloat16."""
_STEPS = 3
"""Steps of bfloat16 to either side of a scale: 1 to 2 %."""
_STARTS = 3
"""Densities that are started from: a common one for all parents, of weights that are rough, leads astray at times."""
_GRIDS = {2: np.geomspace(0.2, 5.0, 41), 3: np.geomspace(0.25, 4.0, 13)}
"""Ratios of weights that are divided by their sum: steps of 8 and of 26 %."""
_MEETING = 4_096
"""Places that ratios are tried at: where densities are 0.4 two changes meet at 650 of them."""
_TURNS = 4
"""Times that weights and scales are had from each other, parent after parent."""
_WEIGHT_STEPS = (0.05, 0.02, 0.01)
_MOVES = 4
_SEED = "which changes were kept follows from a seed that is unknown: mergekit makes another draw"


def estimate_masked(
    places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic], *, consensus: bool, normalized: bool
) -> list[Proposal]:
    """Densities, weights and the scale of every tensor, as far as kept values tell them."""
    if mixture.base is None or not mixture.trimmed or not 2 <= len(mixture.members) <= MOST_MASKED_PARENTS:
        return []
    found = places.once(("masked", mixture, normalized), lambda: _fitted(places, mixture, types, normalized=normalized))
    return [] if found is None else [found]


def _fitted(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic], *, normalized: bool) -> Proposal | None:
    """The same for DARE of either kind: what elected signs leave is among the choices of all changes.

    None as soon as too little is reproduced, of which a recipe of other parents or of another base gives way early.
    """
    if _copied(places, mixture):
        return None
    replay = partial(replay_masked, consensus=normalized, normalized=normalized)
    some, changed = places.thinned(SEARCHED), places.changed[:: places.step(SEARCHED)]

    def share(one: Proposal) -> float:
        return float((replay(some, one) == some.query)[changed].mean())

    tried = [
        made
        for each in types
        if each.bits == places.bits < 23
        for made in _started(places, mixture, replace(each, stepwise=True), normalized=normalized)
    ]
    tried.sort(key=share, reverse=True)
    best: Proposal | None = None
    for proposal in tried[:_STARTS]:
        if share(proposal) < MASKED_WORTH_SEARCHING or not _promises(places, proposal, replay, normalized=normalized):
            break  # as it is for those that start from less
        made = _searched(some, changed, proposal, replay, normalized=normalized)
        if made is not None and (best is None or share(made) > share(best)):
            best = made
        if best is not None and some.share(replay(some, best)) >= CONSTANT_WEIGHTS:
            break
    return None if best is None else _stated(places, mixture, types, best, replay, normalized=normalized)


def _copied(places: MergePlaces, mixture: Mixture) -> bool:
    """Whether next to all changed values are one parent's own: a model of which others were trained here and there.

    A merge has sums of changes too; where it keeps so few that there are none, it looks the same, and nothing is told.
    """
    own = (places.relatives[list(mixture.members)] == places.query).any(axis=0)
    return bool(places.changed.any()) and float(own[places.changed].mean()) >= RECIPE_CLAIMED


def _started(places: MergePlaces, mixture: Mixture, arithmetic: Arithmetic, *, normalized: bool) -> list[Proposal]:
    """Weights and scales to search from, for each of some densities.

    They follow from the factors of changes that were kept alone where those are known, or else from least squares.
    Where weights are divided by their sum, that of a change which is kept alone cancels: they begin as equals, and
    its factor is its scale.
    """
    given, base = np.array(mixture.weights), mixture.base
    if normalized:
        equal = np.full_like(given, 1 / len(given))
        starts = [(equal, given)] if mixture.factors else [(equal, np.full_like(given, 1 / p)) for p in _DENSITIES]
    else:
        starts = [(given * p if mixture.factors else given, np.full_like(given, 1 / p)) for p in _DENSITIES]
    return [
        Proposal(mixture.members, base, weights[:, None], arithmetic, spread(scales.tolist(), places))
        for weights, scales in starts
    ]


def _searched(
    some: MergePlaces, changed: NDArray[np.bool_], proposal: Proposal, replay: partial[Floats], *, normalized: bool
) -> Proposal | None:
    """Scales, then weights and scales in turn; None where foreign changes do as well, or too little is reproduced."""
    if by_chance(some, proposal, replay) > MASKED_BY_CHANCE:
        return None
    for factors in _SCALES:
        proposal = _scaled(some, proposal, partial(_times, factors), normalized=normalized)
    reached = float((replay(some, proposal) == some.query)[changed].mean())
    if reached < REFINING_FROM or by_chance(some, proposal, replay) > MASKED_BY_CHANCE:
        return None
    if normalized:
        proposal = _of_grid(some, proposal, replay)
    search = _ratios if normalized else _products
    for _ in range(_TURNS):
        proposal = search(some, proposal, replay, kept_shares(some, proposal, normalized=normalized)[0])
        if some.share(replay(some, proposal)) >= CONSTANT_WEIGHTS:
            break
    return proposal


def _stated(
    places: MergePlaces,
    mixture: Mixture,
    types: Sequence[Arithmetic],
    proposal: Proposal,
    replay: partial[Floats],
    *,
    normalized: bool,
) -> Proposal | None:
    """The proposal with its densities, fitted again without parents of which nothing was kept; None by size."""
    proposal = _scaled(places, proposal, _bfloat16_steps, normalized=normalized)
    kept, by_size = kept_shares(places, proposal, normalized=normalized)
    if (by_size > KEPT_BY_SIZE).any():
        return None  # by size and not by chance: another method, whose weights are others
    density = np.round(kept, 2)
    large = (density * proposal.weights[:, 0] >= LEAST_WEIGHT) & (density >= LEAST_WEIGHT)
    if large.all():
        return replace(proposal, stated=tuple(density.tolist()))
    if large.sum() < 2:
        return None
    members = tuple(m for m, kept in zip(proposal.members, large.tolist(), strict=True) if kept)
    fewer = replace(mixture, members=members, weights=tuple(proposal.weights[large, 0].tolist()))
    return _fitted(places, fewer, types, normalized=normalized)


def _promises(places: MergePlaces, proposal: Proposal, replay: partial[Floats], *, normalized: bool) -> bool:
    """Whether scales of a few tensors bring a proposal to REFINING_FROM, up to chance, and foreign ones do not."""
    few, chosen = places.few_tensors()
    if proposal.setting is None or len(chosen) == proposal.setting.shape[1]:
        return True
    some = replace(proposal, setting=proposal.setting[:, chosen])
    for factors in _SCALES:
        some = _scaled(few, some, partial(_times, factors), normalized=normalized)
    changed = places.changed[np.isin(places.tensor, chosen)]
    error = SHARES_BY_CHANCE * float(np.sqrt(0.25 / max(1, changed.sum())))
    equal = (replay(few, some) == few.query)[changed]
    return bool(equal.mean() >= REFINING_FROM - error) and by_chance(few, some, replay) <= MASKED_BY_CHANCE + error


def _times(factors: Vector, scales: Vector) -> list[Vector]:
    return [scales * factor for factor in factors]


def _bfloat16_steps(scales: Vector) -> list[Vector]:
    """The values of bfloat16 next to scales [tensors]: a scale is a number of the type of the merge."""
    step = np.exp2(np.floor(np.log2(scales)) - 7)
    near = np.round(scales / step) * step
    return [near + more * step for more in range(-_STEPS, _STEPS + 1)]


def _products(some: MergePlaces, proposal: Proposal, replay: partial[Floats], shares: Vector) -> Proposal:
    """Weights of two decimals, with scales of the type of the merge whose products are those that were found.

    A product alone does not tell weight from density; the shares that were kept, and rounding twice, do.
    """
    if proposal.setting is None:
        return proposal
    for parent, share in enumerate(shares.tolist()):
        settings = proposal.setting
        assert settings is not None  # a proposal that follows has one as well
        effect = settings[parent] * proposal.weights[parent, 0]
        middle = float(np.median(effect)) * share
        best, most = proposal, -1
        for weight in np.unique(np.round(np.arange(0.8, 1.3, 0.005) * middle, 2)):
            if weight <= 0:
                continue
            weights, setting = proposal.weights.copy(), settings.copy()
            weights[parent], setting[parent] = weight, effect / weight
            made = replace(proposal, weights=weights, setting=setting)
            made = _scaled(some, made, _bfloat16_steps, normalized=False, parents=[parent])
            equal = int((replay(some, made) == some.query).sum())
            if equal > most:
                best, most = made, equal
        proposal = best
    return proposal


def _of_grid(some: MergePlaces, proposal: Proposal, replay: partial[Floats]) -> Proposal:
    """Weights of the ratios that reproduce most, the first being as it is: they show where several changes meet."""
    grid = _GRIDS[len(proposal.members)]
    glance = some.thinned(_MEETING)
    first = np.ones((1, 1))
    tries = [
        replace(proposal, weights=np.vstack([first, np.array(w)[:, None]]))
        for w in product(grid, repeat=len(proposal.members) - 1)
    ]
    best = max(tries, key=lambda one: glance.share(replay(glance, one)))
    scaled = best.weights / best.weights.sum()
    return replace(proposal, weights=np.round(scaled, 2))


def _ratios(some: MergePlaces, proposal: Proposal, replay: partial[Floats], shares: Vector) -> Proposal:
    """Weights that are divided by their sum: moved a step at a time while more comes out, then the scales again."""
    equal = int((replay(some, proposal) == some.query).sum())
    for step in _WEIGHT_STEPS:
        for move in np.tile(each_way(len(shares)), (_MOVES, 1)):
            weights = np.round(proposal.weights + step * move[:, None], 2)
            if (weights <= 0).any():
                continue
            made = replace(proposal, weights=weights)
            more = int((replay(some, made) == some.query).sum())
            if more > equal:
                proposal, equal = made, more
    glance = some.thinned(GLANCE)
    tries = [replace(proposal, weights=weights) for weights in weights_of_ratio(proposal.weights)]
    best = max(tries, key=lambda one: glance.share(replay(glance, one)), default=proposal)
    if int((replay(some, best) == some.query).sum()) > equal:
        proposal = best
    return _scaled(some, proposal, _bfloat16_steps, normalized=True)


def _scaled(
    places: MergePlaces,
    proposal: Proposal,
    near: Callable[[Vector], Sequence[Vector]],
    *,
    normalized: bool,
    parents: Sequence[int] | None = None,
) -> Proposal:
    """The scale of every tensor and parent that reproduces most of those `near`, one parent after another."""
    if proposal.setting is None:
        return proposal
    setting = proposal.setting.copy()
    for parent in range(len(setting)) if parents is None else parents:
        tries, made = near(setting[parent]), replace(proposal, setting=setting)
        counts = given_by_scales(places, made, parent, tries, consensus=normalized, normalized=normalized)
        setting[parent] = np.stack(tries)[counts.argmax(axis=0), np.arange(setting.shape[1])]
    return replace(proposal, setting=setting)


def _masked(name: str, *, consensus: bool, normalized: bool, same_as: tuple[str, ...] = ()) -> Method:
    return Method(
        name,
        partial(estimate_masked, consensus=consensus, normalized=normalized),
        partial(replay_masked, consensus=consensus, normalized=normalized),
        each_way,
        gradable=False,
        weighted=False,
        stage=MASKED,
        same_as=same_as,
        parameters=lambda proposal: [{"density": density} for density in proposal.stated],
        note=_SEED,
    )


DELLA = _masked("della", consensus=True, normalized=True)
DARE_TIES = _masked("dare_ties", consensus=True, normalized=False)
DARE_LINEAR = _masked("dare_linear", consensus=False, normalized=False, same_as=("della_linear",))
