"""Changes that were kept alone: where all others were left out, base + factor x change gives a value to its rounding.

Least squares sees sums, and of relatives that drifted alike it takes one for another; a factor that gives thousands of
values of one relative's changes to half a step of their type is no chance. What is found are parents and factors at
once: the weight of a change times what it was rescaled by.

*Limitations.* Steps of the type must be small beside some of the changes: in bfloat16 small values have such steps at a
drift of 1 %, at 0.3 % in part, and not at 0.1 %. A change must stand alone in some hundred places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ....data.precision import rounded_to
from ....thresholds.recipes import KEPT_ALONE_Z, LEAST_OF_BASE
from ..places import SEARCHED, Floats, MergePlaces, Vector
from .pursuit import Mixture, Span, span_of

_STEP = 0.01
_FACTORS = np.exp(np.arange(np.log(0.05), np.log(40.0), _STEP))
"""What a change is multiplied by: a weight of 0.05 to 2, over a density of 0.05 and more."""
_APART = 0.03
"""Factors of the tensors of one merge differ by so much: each is rescaled to the norm that its own changes had."""
_WIDEST = 0.1
"""Values that allow a factor more than that either way tell nothing of it."""
_TINY = np.float32(1e-30)
_BESIDE = np.concatenate([np.arange(-25, -9), np.arange(10, 26)])
"""Steps to factors beside one, which say how many values it gives by chance."""
_MOST_BASES = 5
"""Bases that are tried: the members that a model is most equal to. Three parents leave one 3 % at a density of 0.7."""
_BASES_TOLD = 3
_FOLLOWED = 8
"""Members that are looked at again once the first of them has explained its places."""
_MOST_PARENTS = 4


def kept_alone(places: MergePlaces, members: Sequence[int], base: int | None) -> list[Mixture]:
    """The parents whose changes stand alone beyond chance, with their factors for weights: the likeliest base first.

    Of the members that the model is most equal to, those under which most values are the base's or a sum of some of
    the changes; where all factors are 1, as in TIES, parents and base may change places. Nothing where fewer than two
    parents are found, for any of them or for `base`.
    """
    key = ("kept alone", tuple(members), base)
    return places.once(key, lambda: _kept_alone(places, members, base))  # each stage of methods asks


def _kept_alone(places: MergePlaces, members: Sequence[int], base: int | None) -> list[Mixture]:
    some = places.thinned(SEARCHED)
    equal = (some.relatives[list(members)] == some.query).mean(axis=1)
    likely = [members[i] for i in np.argsort(-equal)[:_MOST_BASES].tolist() if equal[i] >= LEAST_OF_BASE]
    bases = likely if base is None else [base]
    found = [parents for one in bases if (parents := _parents(some, members, one)) is not None]
    found.sort(key=lambda parents: -parents.given)
    return [parents.mixture(span_of(places)) for parents in found[:_BASES_TOLD]]


@dataclass(frozen=True)
class _Parents:
    """Relatives and the factors of their changes of a base, and the share of values that these give."""

    factors: dict[int, float]
    base: int
    given: float

    def mixture(self, span: Span) -> Mixture:
        """The same with what least squares over these parents leaves."""
        members = tuple(self.factors)
        ground = span.apart[:, self.base]
        left = float(nnls(span.apart[:, list(members)] - ground[:, None], -ground)[1])
        return Mixture(members, tuple(self.factors.values()), left**2, self.base, trimmed=True, factors=True)


def _parents(places: MergePlaces, members: Sequence[int], base: int) -> _Parents | None:
    """Greedily: what one change explains speaks for no other."""
    key = ("alone on a base", tuple(members), base)  # few places are not thinned: both keys are of the same ones then
    return places.once(key, lambda: _greedily(places, [member for member in members if member != base], base))


def _greedily(places: MergePlaces, members: Sequence[int], base: int) -> _Parents | None:
    ground = rounded_to(places.relatives[base], places.bits)
    left = np.flatnonzero(places.query != ground)
    moved = places.query.astype(np.float64) - ground
    half = np.exp2(np.floor(np.log2(np.maximum(np.abs(places.query), _TINY))) - places.bits - 1)
    of_all = changes = {
        m: rounded_to(rounded_to(places.relatives[m], places.bits) - ground, places.bits) for m in members
    }
    found: dict[int, float] = {}
    while len(found) < _MOST_PARENTS and changes:
        ranges = {m: _ranges(moved[left], half[left], change[left], places.bits) for m, change in changes.items()}
        peaks = {m: _peak(*span) for m, span in ranges.items()}
        order = sorted(peaks, key=lambda m: -peaks[m][1])
        member, (factor, z) = order[0], peaks[order[0]]
        if not z >= KEPT_ALONE_Z:
            break
        low, high = ranges[member]
        found[member] = factor
        left = left[~((low <= factor) & (factor <= high))]
        changes = {m: changes[m] for m in order[1:_FOLLOWED]}
    if len(found) < 2:
        return None
    scaled = [factor * of_all[m].astype(np.float64) for m, factor in found.items()]
    return _Parents(found, base, _given(moved, half, np.stack(scaled), places.bits))


def _given(moved: Vector, half: Vector, changes: Vector, bits: int) -> float:
    """The share of values [m] that are not moved, or moved by the sum of some of the changes [n, m]."""
    given = moved == 0
    told = half <= _WIDEST * np.abs(moved)
    for chosen in product((True, False), repeat=len(changes)):
        total = changes[list(chosen)].sum(axis=0)
        given |= told & (np.abs(moved - total) <= half + (_APART + 2.0**-bits) * np.abs(total))
    return float(given.mean())


def _ranges(moved: Vector, half: Vector, change: Floats, bits: int) -> tuple[Vector, Vector]:
    """The least and the largest factor [m] under which a change gives how far a value moved; NaN where none does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = moved / change
        either_way = half / np.abs(moved) + 2.0**-bits  # the value's own rounding, and that of two products
    factor[~((factor > 0) & np.isfinite(factor) & (either_way <= _WIDEST))] = np.nan
    either_way += _APART
    return factor * (1 - either_way), factor * (1 + either_way)


def _peak(low: Vector, high: Vector) -> tuple[float, float]:
    """The factor that most ranges hold beyond what those beside it do, and by how many standard deviations."""
    kept = np.isfinite(low)
    ends = np.searchsorted(_FACTORS, low[kept]), np.searchsorted(_FACTORS, high[kept], side="right")
    begun, ended = (np.bincount(end, minlength=len(_FACTORS) + 1) for end in ends)
    count: NDArray[np.float64] = np.cumsum(begun - ended)[: len(_FACTORS)].astype(np.float64)
    beside = np.arange(len(count))[:, None] + _BESIDE
    chance = count[np.clip(beside, 0, len(count) - 1)].mean(axis=1)
    z = (count - chance) / np.sqrt(chance + 1)
    best = int(z.argmax())
    return float(_FACTORS[best]), float(z[best])
