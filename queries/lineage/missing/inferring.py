"""The missing ancestor: what a family comes from where no registered model stands there, and its values.

Squared distances add along a tree, so in a star d(i, j) = w(i) + w(j), with w the way that a model went alone from
where all meet. FEWEST_BRANCHES or more must meet there and nowhere else, of FEWEST_MODELS or more: fewer are nearly a
star whatever they are. Distances that are no star's (ADDITIVE) tell nothing: of chains, of branches that branch again,
of steps back.

Then one of the models may still be what all others come from. Siblings of one objective drift alike, so that a parent
has a way of its own too, and a sibling that was hardly trained has none. At light drift the steps of values tell
(`lattice`): something is inferred where they refute every model. At heavy drift a model is not the parent where its own
way is long (STANDS_THERE). Where dates are known, what was released after two branches came forth is not what those
come from, though it may be what all others come from.

Values: where more than half of the models hold one value exactly, that; else the centre, every model weighing the less
the longer its own way.

Limitations: the root of a chain, or of a family that goes on branching, is not inferred; nor is more than one model of
a family.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from ...data.component import Component
from ...statistics.pvalues import LOG10, log_sf
from ...thresholds.lineage import (
    ADDITIVE,
    FEWEST_BRANCHES,
    FEWEST_MODELS,
    FEWEST_OLDER,
    INDEPENDENT,
    MATCHES_EARLIER,
    MATCHES_WITHIN,
    STANDS_THERE,
)
from ..direction import is_light
from ..geometry import Distances, distances_of
from ..recipes.places import TensorKey, keys_of
from .lattice import refuted

Vector = NDArray[np.float64]
_LIGHTEST = 0.05
"""Of the usual own way, the least that a weight counts with: one model never makes the centre alone."""


@dataclass(frozen=True)
class Shared:
    """Values float32 [n, tensors, 256] of n components in the tensors that all of them hold, `keys` in order.

    `weight` [tensors, 256] is the share of the parameters that a value stands for, 0 for padding.
    """

    keys: tuple[TensorKey, ...]
    values: NDArray[np.float32]
    weight: Vector

    def distances(self) -> Distances:
        """Distances among the components, relative to the values of the first."""
        inside = self.weight > 0
        size = np.square(self.values[0].astype(np.float64)).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
        return distances_of(self.values.reshape(len(self.values), -1), self.weight, size)


@dataclass(frozen=True)
class InferredNode:
    """What n models come from: `values` float32 [tensors, 256] and the share of them that most hold exactly.

    `ways` [n] are what each model went alone, `identities` [n] the correlation of each with the values that the others
    give, `log10_p` [n] that of unrelated values being as alike. `light` says by which bounds it is judged.
    """

    shared: Shared
    values: NDArray[np.float32]
    exact_share: float
    ways: Vector
    identities: Vector
    log10_p: Vector
    light: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Where another model stands: its own `way` as a share of the usual one, correlation and equal values.

    `exact_share` is of the values that most members hold; `fits`, whether they can have been trained from its values.
    """

    way: float
    identity: float
    exact_share: float
    light: bool
    fits: bool

    def matches(self, *, earlier: bool) -> bool:
        """Whether that is where the members meet; `earlier`: it claims to be released before all of them."""
        within = MATCHES_EARLIER if earlier else MATCHES_WITHIN
        return self.fits and abs(self.way) <= within["light" if self.light else "heavy"]


def shared_values(components: Sequence[Component], keys: Sequence[TensorKey] | None = None) -> Shared | None:
    """The values that all components hold in the same tensors, or in `keys`; None where there is no such tensor."""
    rows = [keys_of(component) for component in components]
    wanted = keys if keys is not None else next(iter(rows), ())
    keys = tuple(key for key in wanted if all(key in other for other in rows))
    if not keys:
        return None
    values = np.stack(
        [
            np.asarray(component.positions.value[[held[key] for key in keys]], np.float32)
            for component, held in zip(components, rows, strict=True)
        ]
    )
    first = components[0]
    tensors = first.positions.tensor[[rows[0][key] for key in keys]]
    inside = np.arange(values.shape[2]) < first.sampled[tensors][:, None]
    weight = np.where(inside, (first.represents[tensors] / first.sampled[tensors])[:, None], 0.0)
    return Shared(keys, values, weight / weight.sum())


def own_ways(squared: Vector) -> Vector:
    """What each of n models [n] went alone from where all meet, by least squares of the relative errors of d [n, n]."""
    weight = 1 / np.square(np.maximum(squared, np.finfo(np.float64).tiny ** 0.25))
    np.fill_diagonal(weight, 0.0)
    left = weight + np.diag(weight.sum(axis=1))
    return np.asarray(np.linalg.lstsq(left, (weight * squared).sum(axis=1))[0], np.float64)


def come_from_one(shared: Shared, dates: Sequence[float] | None = None) -> bool:
    """Whether n models come from one that none of them is; `dates` are their release dates where all are known."""
    distances = shared.distances()
    squared = distances.squared
    count = len(squared)
    if count < FEWEST_MODELS or not (squared[np.triu_indices(count, 1)] > 0).all():
        return False
    ways = np.maximum(own_ways(squared), 0.0)
    if _misfit(squared, ways) > ADDITIVE:
        return False
    order = np.argsort(ways if dates is None else np.asarray(dates, np.float64), kind="stable")
    place = next((i for i in order.tolist() if _can_be_it(shared, ways, i, light=is_light(distances))), None)
    older = np.arange(count)
    fewest = FEWEST_BRANCHES
    if place is not None:
        if dates is None:
            return False
        when, fewest = np.asarray(dates, np.float64), FEWEST_OLDER
        older = np.flatnonzero(when < when[place])
    nearer = squared[np.ix_(older, older)] < INDEPENDENT * (ways[older][:, None] + ways[older])
    from scipy.sparse.csgraph import connected_components  # 0.07 s, which most questions do not need

    return len(older) >= fewest and int(connected_components(nearer, directed=False)[0]) >= fewest


def _can_be_it(shared: Shared, ways: Vector, number: int, *, light: bool) -> bool:
    """Whether all others may come from a model: at light drift its values tell, at heavy drift its own way alone."""
    if light:
        return not refuted(shared.values, shared.weight > 0, number)
    usual = max(float(np.median(np.delete(ways, number))), np.finfo(float).tiny)
    return float(ways[number]) <= STANDS_THERE * usual


def _misfit(squared: Vector, ways: Vector) -> float:
    """How far distances are from those of a star: the RMS of relative errors over all pairs."""
    pairs = np.triu_indices(len(squared), 1)
    return float(np.sqrt(np.square(1 - (ways[:, None] + ways)[pairs] / squared[pairs]).mean()))


def inferred_node(shared: Shared) -> InferredNode:
    """The values of what the components come from, and how far each of them is from what the others give."""
    distances = shared.distances()
    count = len(shared.values)
    ways = np.maximum(own_ways(distances.squared), 0.0)
    values, most = _centre(shared.values, ways)
    identities = np.empty(count)
    for i in range(count):
        others = np.delete(np.arange(count), i)
        centre, _ = _centre(shared.values[others], ways[others])
        identities[i] = identity(shared.values[i], centre, shared.weight)
    places = int((shared.weight > 0).sum())
    log10_p = log_sf(identities * np.sqrt(places)) / LOG10
    exact = float((shared.weight * most).sum())
    return InferredNode(shared, values, exact, ways, identities, log10_p, is_light(distances))


def standing(node: InferredNode, component: Component) -> Standing | None:
    """Where a component stands that is none of the members; None where it lacks a tensor of theirs."""
    held = keys_of(component)
    if not all(key in held for key in node.shared.keys):
        return None
    mine = np.asarray(component.positions.value[[held[key] for key in node.shared.keys]], np.float32)
    both = Shared(node.shared.keys, np.concatenate([node.shared.values, mine[None]]), node.shared.weight)
    apart = both.distances().squared[-1, :-1]
    weight = 1 / np.square(np.maximum(apart, np.finfo(np.float64).tiny ** 0.25))
    way = float((weight * (apart - node.ways)).sum() / weight.sum() / max(np.median(node.ways), np.finfo(float).tiny))
    there = not (node.light and refuted(both.values, both.weight > 0, len(both.values) - 1))
    _, most = _centre(node.shared.values, node.ways)
    held_by_most = node.shared.weight * most
    equal = held_by_most[_short(mine) == _short(node.values)].sum() / max(held_by_most.sum(), np.finfo(float).tiny)
    return Standing(way, identity(mine, node.values, node.shared.weight), float(equal), node.light, there)


def identity(first: NDArray[np.float32], second: NDArray[np.float32], weight: Vector) -> float:
    """Correlation of values [tensors, 256] tensor by tensor, by the parameters that these stand for."""
    inside = weight > 0
    counts = np.maximum(inside.sum(axis=1, keepdims=True), 1)
    centred = [
        np.where(inside, x - np.where(inside, x, 0.0).sum(axis=1, keepdims=True) / counts, 0.0)
        for x in (first.astype(np.float64), second.astype(np.float64))
    ]
    lengths = np.sqrt(np.square(centred[0]).sum(axis=1) * np.square(centred[1]).sum(axis=1))
    products = (centred[0] * centred[1]).sum(axis=1)
    by_tensor = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return float((by_tensor * weight.sum(axis=1)).sum())


def _centre(values: NDArray[np.float32], ways: Vector) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Values [tensors, 256] that most of n models hold exactly, else the weighted centre; and where [..] most do."""
    weights = 1 / np.maximum(ways, max(_LIGHTEST * float(np.median(ways)), np.finfo(float).tiny))
    centre = np.tensordot(weights / weights.sum(), values.astype(np.float64), axes=1)
    ordered = np.sort(_short(values), axis=0)
    best, held, run = ordered[0].copy(), np.ones(ordered.shape[1:], np.int64), np.ones(ordered.shape[1:], np.int64)
    for row, before in zip(ordered[1:], ordered[:-1], strict=True):
        run = np.where(row == before, run + 1, 1)
        best, held = np.where(run > held, row, best), np.maximum(run, held)
    most = held > len(values) / 2
    exact = best.astype(np.uint16).view(ml_dtypes.bfloat16).astype(np.float64)
    return np.where(most, exact, centre).astype(np.float32), most


def _short(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The bits of values as bfloat16, the type of most files."""
    return np.ascontiguousarray(values).astype(ml_dtypes.bfloat16).view(np.uint16)
