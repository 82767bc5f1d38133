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

from ....thresholds.recipes import (
    CONSTANT_WEIGHTS,
    KEPT_BY_SIZE,
    LEAST_WEIGHT,
    MASKED_BY_CHANCE,
    REFINING_FROM,
    SHARES_BY_CHANCE,
    WORTH_SEARCHING,
)
from ..places import SEARCHED, Floats, MergePlaces, Vector
from ..proposal import MASKED, Arithmetic, Method, Proposal, each_way
from ..pursuit import Mixture
from .changes import kept_by_size, spread
from .ties import GLANCE, weights_of_ratio

MOST_MASKED_PARENTS = 3
"""Eight choices a place; with four parents it would be sixteen."""
_DENSITIES = np.linspace(0.1, 0.9, 17)
_SCALES = (np.linspace(0.85, 1.15, 31), np.linspace(0.97, 1.03, 25))
"""Factors of a tensor's scale: kept changes of a tensor have its L1 norm to some percent; then steps of bfloat16."""
_STEPS = 3
"""Steps of bfloat16 to either side of a scale: 1 to 2 %."""
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
    replay = partial(replay_masked, consensus=normalized, normalized=normalized)
    some, changed = places.thinned(SEARCHED), places.changed[:: places.step(SEARCHED)]

    def share(one: Proposal) -> float:
        return float((replay(some, one) == some.query)[changed].mean())

    weights = np.array(mixture.weights)[:, None]
    if normalized:  # where one change alone is kept its weight cancels: least squares says little of weights
        weights = np.full_like(weights, 1 / len(weights))
    tried = [
        Proposal(
            mixture.members, mixture.base, weights, replace(each, stepwise=True), spread([1 / p] * len(weights), places)
        )
        for each in types
        if each.bits == places.bits < 23
        for p in _DENSITIES
    ]
    proposal = max(tried, key=share, default=None)
    if proposal is None or share(proposal) < WORTH_SEARCHING or not _promises(places, proposal, replay):
        return None
    if _by_chance(some, proposal, replay) > MASKED_BY_CHANCE:
        return None
    for factors in _SCALES:
        proposal = _scaled(some, proposal, replay, partial(_times, factors))
    if share(proposal) < REFINING_FROM or _by_chance(some, proposal, replay) > MASKED_BY_CHANCE:
        return None
    search = _ratios if normalized else _products
    for _ in range(_TURNS):
        proposal = search(some, proposal, replay, _kept_shares(some, proposal, normalized=normalized)[0])
        if some.share(replay(some, proposal)) >= CONSTANT_WEIGHTS:
            break
    proposal = _scaled(places, proposal, replay, _bfloat16_steps)
    kept, larger = _kept_shares(places, proposal, normalized=normalized)
    if (np.abs(larger - 0.5) > KEPT_BY_SIZE).any():
        return None  # by size and not by chance: another method, whose weights are others
    density = np.round(kept, 2)
    large = (density >= LEAST_WEIGHT) & (proposal.weights[:, 0] >= LEAST_WEIGHT)
    if large.all():
        return replace(proposal, stated=tuple(density.tolist()))
    if large.sum() < 2:
        return None
    members = tuple(m for m, kept in zip(proposal.members, large.tolist(), strict=True) if kept)
    fewer = replace(mixture, members=members, weights=tuple(proposal.weights[large, 0].tolist()))
    return _fitted(places, fewer, types, normalized=normalized)


def _promises(places: MergePlaces, proposal: Proposal, replay: partial[Floats]) -> bool:
    """Whether scales of a few tensors bring a proposal to REFINING_FROM, up to chance, and foreign ones do not."""
    few, chosen = places.few_tensors()
    if proposal.setting is None or len(chosen) == proposal.setting.shape[1]:
        return True
    some = replace(proposal, setting=proposal.setting[:, chosen])
    for factors in _SCALES:
        some = _scaled(few, some, replay, partial(_times, factors))
    changed = places.changed[np.isin(places.tensor, chosen)]
    error = SHARES_BY_CHANCE * float(np.sqrt(0.25 / max(1, changed.sum())))
    equal = (replay(few, some) == few.query)[changed]
    return bool(equal.mean() >= REFINING_FROM - error) and _by_chance(few, some, replay) <= MASKED_BY_CHANCE + error


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
        for weight in np.unique(np.round(np.arange(0.88, 1.16, 0.005) * middle, 2)):
            if weight <= 0:
                continue
            weights, setting = proposal.weights.copy(), settings.copy()
            weights[parent], setting[parent] = weight, effect / weight
            made = replace(proposal, weights=weights, setting=setting)
            made = _scaled(some, made, replay, _bfloat16_steps, parents=[parent])
            equal = int((replay(some, made) == some.query).sum())
            if equal > most:
                best, most = made, equal
        proposal = best
    return proposal


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
    return _scaled(some, proposal, replay, _bfloat16_steps)


def replay_masked(places: MergePlaces, proposal: Proposal, *, consensus: bool, normalized: bool) -> Floats:
    """At every place the choice of kept changes that gives the model's value; the base's own where none does."""
    found = proposal.base_at(places).copy()
    for _, made in _choices(places, proposal, consensus=consensus, normalized=normalized):
        found = np.where(made == places.query, made, found)
    return found


def _choices(
    places: MergePlaces, proposal: Proposal, *, consensus: bool, normalized: bool
) -> list[tuple[NDArray[np.bool_], Floats]]:
    """Which parents' changes are kept [n], and the values [m] that come out, for each choice; fewest last."""
    if proposal.setting is None:
        raise ValueError("masked changes need their scales")
    rounded, base = proposal.arithmetic.rounded, proposal.base_at(places)
    scales = rounded(proposal.setting.astype(np.float32))[:, places.tensor]
    shape = (len(scales), len(base))
    weights = np.broadcast_to(rounded(proposal.weights_at(places)), shape)
    weighted = rounded(rounded(proposal.changes_at(places) * scales) * weights)
    found = []
    for choice in product((True, False), repeat=len(weighted)):
        kept = np.array(choice)
        some, shares = weighted[kept], weights[kept]
        if consensus and len(some) > 1:
            agree = np.sign(some) == np.where(some.sum(axis=0) >= 0, np.float32(1), np.float32(-1))
            some, shares = some * agree, shares * agree
        total = rounded(np.asarray(some.sum(axis=0), np.float32))
        if normalized and len(some):
            divisor = rounded(np.asarray(shares.sum(axis=0), np.float32))
            total = rounded(np.asarray(total / np.where(divisor == 0, 1, divisor), np.float32))
        found.append((kept, rounded(base + total)))
    return found


def _scaled(
    places: MergePlaces,
    proposal: Proposal,
    replay: partial[Floats],
    near: Callable[[Vector], Sequence[Vector]],
    *,
    parents: Sequence[int] | None = None,
) -> Proposal:
    """The scale of every tensor and parent that reproduces most of those `near`, one parent after another."""
    if proposal.setting is None:
        return proposal
    setting = proposal.setting
    for parent in range(len(setting)) if parents is None else parents:
        tries = near(setting[parent])
        counts = []
        for scales in tries:
            trial = setting.copy()
            trial[parent] = scales
            equal = replay(places, replace(proposal, setting=trial)) == places.query
            counts.append(np.bincount(places.tensor, equal, minlength=setting.shape[1]))
        best = np.stack(counts).argmax(axis=0)
        setting = setting.copy()
        setting[parent] = np.stack(tries)[best, np.arange(setting.shape[1])]
    return replace(proposal, setting=setting)


def _kept_shares(places: MergePlaces, proposal: Proposal, *, normalized: bool) -> Vector:
    """How often each parent's change was kept, and how often it was then larger than one left out: [2, n].

    Of places where exactly one choice gives the model's value.

    Where signs are elected a change of another sign than the sum's counts for nothing, kept or not: only places where
    all changes have one sign tell.
    """
    choices = _choices(places, proposal, consensus=normalized, normalized=normalized)
    made = np.stack([values for _, values in choices])
    equal = made == places.query
    changes = proposal.changes_at(places)
    distinct = (np.diff(np.sort(made, axis=0), axis=0) != 0).all(axis=0)
    told = distinct & (equal.sum(axis=0) == 1) & ((changes > 0).all(axis=0) | (changes < 0).all(axis=0))
    if not told.any():
        return np.full((2, len(changes)), 0.5)
    kept = np.stack([kept for kept, _ in choices])[equal[:, told].argmax(axis=0)].T
    return np.stack([kept.mean(axis=1), kept_by_size(kept, np.abs(changes[:, told] * places.scale[told]))])


def _by_chance(places: MergePlaces, proposal: Proposal, replay: partial[Floats]) -> float:
    """What the same freedom reproduces of the changed places with changes that stand elsewhere in their tensors."""
    order = np.lexsort((np.random.default_rng(0).random(len(places.query)), places.tensor))
    relatives = places.relatives.copy()
    if proposal.base is not None:
        ground = relatives[proposal.base]
        members = list(proposal.members)
        relatives[members] = ground + (relatives[members] - ground)[:, order]
    decoy = replace(places, relatives=relatives)
    return float((replay(decoy, proposal) == places.query)[places.changed].mean())


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
