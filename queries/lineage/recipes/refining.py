"""Coefficients by replay: those under which most samples come out bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...data.precision import rounded_to
from ...thresholds.recipes import (
    CHOICE_CLAIMED,
    CONSTANT_WEIGHTS,
    PROMISING,
    RECIPE_CLAIMED,
    REFINING_FROM,
    SHARES_BY_CHANCE,
    SUM_CLAIMED,
    TUNING_FROM,
)
from .places import SEARCHED, MergePlaces, Vector
from .proposal import MASKED, PLAIN, SELECTED, TRIMMED, Method, Proposal
from .regression import LEAST

_STEPS = (0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002)
"""Steps of weights, from what regressions of rounded values miss down to what a tenth of a
layer's values tells apart where parents differ by a third of their size."""
_ROUNDS = 12
"""Rounds of one step: 0.6 is as far as weights move by the largest."""
_DIGITS = (1, 2, 3, 4, 5, 6)
"""Decimals that people write weights with: the fewest that reproduce as much are taken."""
_TUNINGS = (0, 0, 1, 1, 2, 2)
"""Rounds of settings where nothing else is searched: each row waits for the others, coarse steps come first."""
_SETTLING = (0, 1, 2, 2)
"""Rounds of settings once weights are known."""
_FINEST = 2
"""The round of settings in which the steps are smallest."""
_GLANCE = 2_048
"""Places that a proposal is first looked at: a standard error of 0.01."""


@dataclass(frozen=True)
class Fit:
    """A recipe refined: what it is, and the places [m] that it reproduces."""

    method: Method
    proposal: Proposal
    equal: NDArray[np.bool_]

    @property
    def share(self) -> float:
        """Share of all places that it reproduces."""
        return float(self.equal.mean())

    def share_of(self, chosen: NDArray[np.bool_]) -> float:
        """Share of some of the places; 0 of none."""
        return float(self.equal[chosen].mean()) if chosen.any() else 0.0


def proven(places: MergePlaces, fit: Fit) -> float:
    """The least share that a fit reproduces: of all places, of the changed ones, of those changed of each of its own.

    Few changed places say little where a model is nearly its relative: what gives those and spoils others is no recipe.
    Neither is what gives a base's values back where another relative is as near: it says nothing of what was changed.
    """
    own = fit.proposal.members if fit.proposal.base is None else (*fit.proposal.members, fit.proposal.base)
    apart = (places.relatives[member] != places.query for member in own)
    return min(fit.share, fit.share_of(places.changed), *(fit.share_of(each) for each in apart))


def claimed(places: MergePlaces, fit: Fit) -> bool:
    """Whether a fit reproduces enough to be told: nearly everything, of what is estimated from ranks in tensors less.

    Of changes left out at random a true recipe gives every value, and the choice at each of them many values of others.
    """
    needed = {PLAIN: SUM_CLAIMED, TRIMMED: RECIPE_CLAIMED, SELECTED: RECIPE_CLAIMED, MASKED: CHOICE_CLAIMED}
    return proven(places, fit) >= needed[fit.method.stage]


def fitted(places: MergePlaces, method: Method, proposal: Proposal) -> Fit:
    """A proposal as it is, replayed at all places."""
    return Fit(method, proposal, _equal(places, method, proposal))


def refined(places: MergePlaces, method: Method, proposal: Proposal) -> Fit:
    """Weights and settings searched for what reproduces most, then written with as few digits as do as well."""
    if not method.weighted:
        untuned = fitted(places, method, proposal)
        if method.settings is None or untuned.share_of(places.changed) < TUNING_FROM:
            return untuned
        if _of_few_tensors(places, method, proposal) is None:
            return untuned
        for round_ in _TUNINGS:
            proposal = _tuned(places, method, proposal, round_)
        return _within(places, fitted(places, method, proposal))
    glance = places.thinned(_GLANCE)
    if proposal.weights.shape[1] == 1:
        proposal = _searched(glance, method, _restarted(glance, method, proposal), steps=_STEPS[:3])
    first = _equal(places, method, proposal)
    if method.settings is not None and first[places.changed].mean() >= TUNING_FROM:
        few = _of_few_tensors(places, method, proposal)
        if few is None:
            return Fit(method, proposal, first)
        proposal = _tuned(places, method, few, 0)
        first = _equal(places, method, proposal)
    if not first[places.changed].mean() >= REFINING_FROM:
        return Fit(method, proposal, first)
    thinned = places.thinned(SEARCHED) if proposal.weights.shape[1] == 1 else places
    best = _explored(places, thinned, method, proposal)
    return _settled(places, _within(places, fitted(places, method, _written(thinned, method, best))))


def _restarted(places: MergePlaces, method: Method, proposal: Proposal) -> Proposal:
    """The proposal with the weights of those it may start again from under which most comes out; as it is at best.

    Settings are not known yet where there are some, and weights wait for them.
    """
    if method.settings is not None:
        return proposal
    return max([proposal, *_starts_again(method, proposal)], key=lambda one: int(_equal(places, method, one).sum()))


def _starts_again(method: Method, proposal: Proposal) -> list[Proposal]:
    """The proposal with other weights that the method may start from."""
    return [replace(proposal, weights=w) for w in (method.restarts(proposal.weights) if method.restarts else ())]


def _within(places: MergePlaces, fit: Fit) -> Fit:
    """Coefficients of cells or tensors to all the digits that rounding leaves them, where that reproduces more."""
    method, one = fit.method, fit.proposal.weights.shape[1] == 1 and fit.proposal.setting is None
    if method.within is None or one or fit.share_of(places.changed) < PROMISING:
        return fit
    exact = _written(places, method, method.within(places, fit.proposal))
    again = fitted(places, method, _tuned(places, method, exact, _FINEST))
    return again if again.share > fit.share else fit


def _settled(places: MergePlaces, fit: Fit) -> Fit:
    """Angles tuned once more where the weights are known but something is left: they were had with other weights."""
    if not fit.method.on_arc or not PROMISING <= fit.share_of(places.changed) < CONSTANT_WEIGHTS:
        return fit
    proposal = fit.proposal
    for round_ in _SETTLING:
        proposal = _tuned(places, fit.method, proposal, round_)
    again = fitted(places, fit.method, proposal)
    return again if again.share > fit.share else fit


def _explored(places: MergePlaces, thinned: MergePlaces, method: Method, proposal: Proposal) -> Proposal:
    """Weights that reproduce most at the thinned places, settings at all places, also from where it may start again."""
    best = _searched(thinned, method, proposal)
    if method.settings is not None:
        best = _searched(thinned, method, _tuned(places, method, best, 1))
    if tries := _starts_again(method, best):
        glance = places.thinned(_GLANCE)
        again = max(tries, key=lambda one: glance.share(method.replay(glance, one)))
        if _equal(thinned, method, again).sum() > _equal(thinned, method, best).sum():
            best = _searched(thinned, method, _tuned(places, method, again, 1))
    return best


def _of_few_tensors(places: MergePlaces, method: Method, proposal: Proposal) -> Proposal | None:
    """The proposal with weights that were had from a few tensors; None where it does not reach PROMISING there.

    Settings are those of each tensor alone, so that a few show what all of them reach. Weights of layers are not taken
    apart.
    """
    few, chosen = places.few_tensors()
    if proposal.setting is None or proposal.weights.shape[1] > 1 or len(chosen) == proposal.setting.shape[1]:
        return proposal
    changed = places.changed[np.isin(places.tensor, chosen)]
    some = _tuned(few, method, replace(proposal, setting=proposal.setting[:, chosen]), 0)
    if _share(_equal(few, method, some), changed) < REFINING_FROM:
        return None
    if method.weighted:
        some = _explored(few, few, method, some)
    if _share(_equal(few, method, some), changed) < PROMISING:
        return None
    return replace(proposal, weights=some.weights)


def _share(equal: NDArray[np.bool_], changed: NDArray[np.bool_]) -> float:
    """Share of the changed places, three standard errors added."""
    count = max(1, int(changed.sum()))
    return float(equal[changed].sum() / count + SHARES_BY_CHANCE * 0.5 / np.sqrt(count))


def _equal(places: MergePlaces, method: Method, proposal: Proposal) -> NDArray[np.bool_]:
    return np.asarray(rounded_to(method.replay(places, proposal), places.bits) == places.query)


def _searched(places: MergePlaces, method: Method, proposal: Proposal, steps: Sequence[float] = _STEPS) -> Proposal:
    """Weights moved a step at a time, in every cell apart, while more places come out."""
    count = proposal.weights.shape[1]
    cells = places.cells if count > 1 else np.zeros(len(places.query), np.int64)

    def reproduced(weights: Vector) -> Vector:
        equal = _equal(places, method, replace(proposal, weights=weights))
        return np.asarray(np.bincount(cells, equal, minlength=count), np.float64)

    weights = proposal.weights
    best = reproduced(weights)
    for digits in _DIGITS:
        weights, best = _better(reproduced, weights, best, np.round(weights, digits))
    moves = method.moves(len(proposal.members))
    for step in steps:
        for _ in range(_ROUNDS):
            before = best.sum()
            for move in moves:
                weights, best = _better(reproduced, weights, best, weights + step * move[:, None])
            if best.sum() == before:
                break
    return replace(proposal, weights=weights)


def _better(
    reproduced: Callable[[Vector], Vector], weights: Vector, best: Vector, trial: Vector
) -> tuple[Vector, Vector]:
    """In every cell the trial's weights where more comes out with them; weights that reach 0 are never tried."""
    counts = np.where((trial >= LEAST).all(axis=0), reproduced(np.maximum(trial, LEAST)), -1.0)
    better = counts > best
    return np.where(better, trial, weights), np.where(better, counts, best)


def _tuned(places: MergePlaces, method: Method, proposal: Proposal, fine: int) -> Proposal:
    """Settings of every tensor apart, one parent after another, by what comes out of that tensor."""
    if method.settings is None or proposal.setting is None:
        return proposal
    setting = proposal.setting
    for parent in range(len(setting)):
        tries = []
        for moved in method.settings(setting, parent, fine):
            trial = setting.copy()
            trial[parent] = moved
            equal = _equal(places, method, replace(proposal, setting=trial))
            tries.append((moved, np.bincount(places.tensor, equal, minlength=setting.shape[1])))
        counts = np.stack([count for _, count in tries])
        middle = len(tries) // 2
        best = np.where(counts[middle] >= counts.max(axis=0), middle, counts.argmax(axis=0))
        setting = setting.copy()
        setting[parent] = np.stack([moved for moved, _ in tries])[best, np.arange(setting.shape[1])]
    return replace(proposal, setting=setting)


def _written(places: MergePlaces, method: Method, proposal: Proposal) -> Proposal:
    """The weights with the fewest decimals that reproduce as many places, up to chance."""
    best = int(_equal(places, method, proposal).sum())
    allowed = best - np.sqrt(len(places.query) - best)
    for digits in _DIGITS:
        short = replace(proposal, weights=np.round(proposal.weights, digits))
        if (short.weights > 0).all() and _equal(places, method, short).sum() >= allowed:
            return short
    return proposal
