"""Which relatives is a model a mixture of? Non-negative pursuit over a whole family at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ....thresholds.recipes import FEWER_PARENTS_MAY_LEAVE, LEAST_WEIGHT
from ..places import MergePlaces

Vector = NDArray[np.float64]
_Fit = Callable[[Sequence[int]], Vector]
MOST_PARENTS = 5
_ONE_DIRECTION = 1e-6
"""Squared sine of the angle between two changes below which they are one."""
_BASE_LEFT = 0.1
"""Share of a base that may be left in the mean over layers: replay tells whether it is nothing."""
_BASE_LEAST = 0.01
"""Share of a base below which none of its parents is taken for the base: of light changes a tenth looks like 0.027."""
_SUM_FORCE = 1e3
"""Weight of the condition that shares sum to 1, in lengths of the largest difference: holds it to one in a million."""


@dataclass(frozen=True)
class Mixture:
    """Members of a family whose values mix to the query's: weights [n] sum to 1, with that of the `base` if any.

    `base` is the member that changes are taken against; None for a plain mixture. `residual` is the squared distance
    that is left, in shares of the model. `trimmed`: changes were left out in part, and no sum explains it. `factors`:
    weights are what changes that were kept alone are multiplied by, weight times rescaling.
    """

    members: tuple[int, ...]
    weights: tuple[float, ...]
    residual: float
    base: int | None = None
    trimmed: bool = False
    factors: bool = False


@dataclass(frozen=True)
class Span:
    """The `query` [k] and its differences `apart` [k, n] to n relatives, in as few dimensions as they span."""

    query: Vector
    apart: Vector


def span_of(places: MergePlaces) -> Span:
    """Scaled values turned by an orthogonal matrix: lengths and products stay, tens of thousands of places do not."""
    return places.once("span", lambda: _turned(places))


def _turned(places: MergePlaces) -> Span:
    query = places.query.astype(np.float64)
    apart = (places.relatives - query) * places.scale
    turned: Vector = np.asarray(np.linalg.qr(np.vstack([apart, query * places.scale]).T, mode="r"))
    return Span(turned[:, -1], turned[:, :-1])


def arc_mixture(span: Span, allowed: Sequence[int]) -> Mixture | None:
    """The mixture of two allowed members whose shares sum to what they may: between two points of an arc, beyond 1."""

    def fit(members: Sequence[int]) -> Vector:
        return np.asarray(nnls(span.apart[:, list(members)] + span.query[:, None], span.query)[0])

    members, weights = _pruned(fit, allowed)
    if len(members) != 2:
        return None
    left = (span.apart[:, list(members)] + span.query[:, None]) @ weights - span.query
    return Mixture(members, tuple(weights.tolist()), float(np.square(left).sum()))


def plain_mixture(apart: Vector, allowed: Sequence[int]) -> Mixture | None:
    """The mixture of allowed members, shares not negative, that comes nearest; None where one member alone does."""
    length = float(np.sqrt(np.square(apart[:, list(allowed)]).sum(axis=0).max(initial=0.0)))
    if length == 0:
        return None

    def fit(members: Sequence[int]) -> Vector:
        system = np.vstack([apart[:, list(members)], np.full((1, len(members)), _SUM_FORCE * length)])
        target = np.append(np.zeros(len(apart)), _SUM_FORCE * length)
        return np.asarray(nnls(system, target)[0])

    members, weights = _pruned(fit, allowed)
    if len(members) < 2:
        return None
    return Mixture(members, tuple(weights.tolist()), float(np.square(apart[:, list(members)] @ weights).sum()))


def mixtures_of_changes(apart: Vector, allowed: Sequence[int], bases: Sequence[int]) -> list[Mixture]:
    """For each base, the changes of other members, weights not negative, whose sum comes nearest to the query's."""
    found = []
    for base in bases:
        target = -apart[:, base]
        others = [member for member in allowed if member != base]
        changes = apart - apart[:, [base]]

        def fit(members: Sequence[int], changes: Vector = changes, target: Vector = target) -> Vector:
            return np.asarray(nnls(changes[:, list(members)], target)[0])

        members, weights = _pruned(fit, others)
        if members:
            residual = float(np.square(changes[:, list(members)] @ weights - target).sum())
            found.append(Mixture(members, tuple(weights.tolist()), residual, base))
    return sorted(found, key=lambda mixture: mixture.residual)


def nearest_pairs(apart: Vector, allowed: Sequence[int], bases: Sequence[int], count: int) -> list[Mixture]:
    """For each base the pair of other members whose weighted changes come nearest, of all bases the nearest `count`.

    Among many relatives that were made of each other more than two always come nearer; two are what most merges have.
    """
    found = []
    for base in bases:
        others = np.array([member for member in allowed if member != base], np.int64)
        changes = apart[:, others] - apart[:, [base]]
        products, along = changes.T @ changes, -changes.T @ apart[:, base]
        own = np.diag(products)
        spread = np.outer(own, own) - np.square(products)
        apart_enough = np.triu(spread > _ONE_DIRECTION * np.outer(own, own), 1)
        first, second = np.nonzero(apart_enough)
        if not len(first):
            continue
        mixed = products[first, second]
        ways = (along[first] * own[second] - along[second] * mixed, along[second] * own[first] - along[first] * mixed)
        weights = np.stack(ways) / spread[first, second]
        explained = weights[0] * along[first] + weights[1] * along[second]
        explained[weights.min(axis=0) < LEAST_WEIGHT] = -1.0
        best = int(explained.argmax())
        if explained[best] > 0:
            members = int(others[first[best]]), int(others[second[best]])
            left = float(np.square(apart[:, base]).sum() - explained[best])
            found.append(Mixture(members, tuple(weights[:, best].tolist()), left, base))
    return sorted(found, key=lambda mixture: mixture.residual)[:count]


def simplest(mixtures: Sequence[Mixture]) -> list[Mixture]:
    """The mixtures whose residual is next to the smallest, those of the fewest members first."""
    least = min((mixture.residual for mixture in mixtures), default=0.0)
    near = [mixture for mixture in mixtures if mixture.residual <= FEWER_PARENTS_MAY_LEAVE * least]
    return sorted(near, key=lambda mixture: (len(mixture.members), mixture.residual))


def other_bases(mixture: Mixture) -> list[Mixture]:
    """The same values as changes of each of the members; nothing where the base's own share is next to nothing."""
    if mixture.base is None or (left := 1 - sum(mixture.weights)) < _BASE_LEAST:
        return []
    share = dict(zip(mixture.members, mixture.weights, strict=True)) | {mixture.base: left}
    return [
        replace(mixture, base=base, members=tuple(others), weights=tuple(share[m] for m in others))
        for base in mixture.members
        if (others := [m for m in share if m != base])
    ]


def without_base(changes: Sequence[Mixture], plain: Sequence[Mixture]) -> list[Mixture]:
    """Mixtures of changes that leave next to nothing of their base, without it, of members that no plain one has.

    Weights by layer have no mean that fits, and their parents may be found beside a base alone.
    """
    known = {frozenset(mixture.members) for mixture in plain}
    found = []
    for one in changes:
        total = sum(one.weights)
        if abs(total - 1) <= _BASE_LEFT and frozenset(one.members) not in known:
            known.add(frozenset(one.members))
            found.append(replace(one, base=None, weights=tuple(weight / total for weight in one.weights)))
    return found


def _pruned(fit: _Fit, allowed: Sequence[int]) -> tuple[tuple[int, ...], Vector]:
    """Members with a share worth the name, fitted again without the others until all of them have one."""
    members = tuple(allowed)
    while members:
        weights = fit(members)
        large = np.flatnonzero(weights >= LEAST_WEIGHT)
        large = large[np.argsort(-weights[large], kind="stable")][:MOST_PARENTS]
        if len(large) == len(members):
            return tuple(members[i] for i in large.tolist()), weights[large]
        members = tuple(members[i] for i in large.tolist())
    return (), np.zeros(0)
