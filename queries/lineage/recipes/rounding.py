"""Factors under which a sum comes within half a step of every value: exact to far more digits than a value has.

A merge was rounded once to the type that it is kept in, so each of its values says between which two bounds the sum lay
that it was rounded from. Some hundreds of such bounds leave next to no room for the few factors of one tensor. Least
squares take rounding for noise, whose mean falls with the root of their number alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...data.precision import float_steps
from .places import Floats, MergePlaces, Vector
from .proposal import Proposal

_INSIDE = 0.999
"""Share of half a step that is aimed at: a sum on the very bound may be rounded to either side."""
_STEPS = 40
"""Newton's steps: time was chosen. A cell ends where every value is within its bounds."""
_DAMPING = 1e-3
"""Share of all values' curvature that is added to that of the values out of bounds: it decides where these are few."""


def half_steps(values: Floats, bits: int) -> Vector:
    """Half the distance [m] between neighbours of a float type with so many bits behind the point, at each value.

    Of a 0, which nearly everything is rounded to that is small, infinity.

    >>> half_steps(np.array([1.0, 1.5, 2.0], np.float32), 7).tolist()
    [0.00390625, 0.00390625, 0.0078125]
    """
    return np.where(values == 0, np.inf, float_steps(values, bits) / 2)


def tensor_factors(places: MergePlaces, members: Sequence[int]) -> Vector:
    """The factors [n, tensors] under which each tensor is the sum of n relatives', rounded once."""
    half = half_steps(places.query, places.bits)
    parts = places.relatives[list(members)].astype(np.float64)
    return factors_within(parts, places.query.astype(np.float64), half, places.tensor)


def graded_weights(places: MergePlaces, proposal: Proposal) -> Proposal:
    """A sum in float32 with weights of every cell that are exact; as it was where that is no such sum."""
    rounds = proposal.arithmetic.stepwise and proposal.arithmetic.bits < 23
    if rounds or proposal.weights.shape[1] == 1:
        return proposal
    parents = places.relatives[list(proposal.members)].astype(np.float64)
    ground, parts = (parents[-1], parents[:-1]) if proposal.base is None else (proposal.base_at(places), parents)
    half = half_steps(places.query, places.bits)
    weights = factors_within(parts - ground, places.query.astype(np.float64) - ground, half, places.cells)
    if proposal.base is None:
        weights = np.vstack([weights, 1 - weights.sum(axis=0)])
    return replace(proposal, weights=weights) if (weights > 0).all() else proposal


def factors_within(parts: Vector, target: Vector, half: Vector, cell: NDArray[np.int64]) -> Vector:
    """The factors [k, cells] of k `parts` [k, m] whose sum is off from `target` [m] by at most `half` [m], or by least.

    Minimises, in every cell [m] alone, the sum of squares of what is beyond the bounds, in half steps, from the least
    squares solution on: it is convex, and 0 where every value is within. Newton's method, damped (Levenberg, 1944).
    """
    count = int(cell.max(initial=-1)) + 1
    scaled, wanted = parts / half, target / half
    every = _products(scaled, scaled, cell, count)
    found = _solved(every, _products(scaled, wanted[None], cell, count)[..., 0])
    damping = np.full(count, _DAMPING)
    beyond, cost = _beyond(found, scaled, wanted, cell)
    for _ in range(_STEPS):
        if not cost.any():
            break
        outside = np.where(beyond != 0, scaled, 0.0)
        curvature = _products(outside, scaled, cell, count) + damping[:, None, None] * every
        trial = found - _solved(curvature, _products(outside, beyond[None], cell, count)[..., 0])
        further, dearer = _beyond(trial, scaled, wanted, cell)
        better = dearer < cost
        found = np.where(better[:, None], trial, found)
        beyond = np.where(better[cell], further, beyond)
        damping = np.where(better, np.maximum(damping / 4, 1e-9), np.minimum(damping * 10, 1.0))
        cost = np.where(better, dearer, cost)
    return np.asarray(found.T)


def _beyond(factors: Vector, scaled: Vector, wanted: Vector, cell: NDArray[np.int64]) -> tuple[Vector, Vector]:
    """How far beyond its bounds each sum [m] is, in half steps, and the sum of squares of that a cell."""
    off = (factors[cell].T * scaled).sum(axis=0) - wanted
    beyond = off - np.clip(off, -_INSIDE, _INSIDE)
    return beyond, np.asarray(np.bincount(cell, np.square(beyond), minlength=len(factors)), np.float64)


def _products(first: Vector, second: Vector, cell: NDArray[np.int64], count: int) -> Vector:
    """The sums [cells, i, j] of products of rows [i, m] and [j, m]."""
    rows = [np.stack([np.bincount(cell, x * y, minlength=count) for y in second], axis=1) for x in first]
    return np.asarray(np.stack(rows, axis=1), np.float64)


def _solved(matrices: Vector, vectors: Vector) -> Vector:
    """The solutions [cells, k] of symmetric systems, the shortest where there are several."""
    return np.asarray((np.linalg.pinv(matrices, rcond=1e-12, hermitian=True) @ vectors[..., None])[..., 0])
