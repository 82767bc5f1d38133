"""Coefficients by least squares: both regressions as an interval, and the standard error of every cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .places import MergePlaces, Vector

LEAST = 1e-3
"""Weights below it are written as it: a parent that a layer holds nothing of."""


def intervals(places: MergePlaces, members: Sequence[int], base: int | None) -> list[tuple[float, float]]:
    """For each parent its weight by the regression on the parents and by the reverse one, two standard errors wider.

    Rounding errors of the parents pull the first towards nothing, those of the model push the second away: the weight
    lies between, as the two regressions of errors-in-variables do (Frisch, 1934).
    """
    found = []
    for member in members:
        others = [m for m in members if m != member]
        reference = base if base is not None else others[0]
        rest = others if base is not None else others[1:]
        axes = _changes(places, [member, *rest], reference)
        target = (places.query - places.relatives[reference].astype(np.float64)) * places.scale
        if rest:
            basis = np.linalg.qr(axes[1:].T)[0]
            axis, target = (x - basis @ (basis.T @ x) for x in (axes[0], target))
        else:
            axis = axes[0]
        product = float(axis @ target)
        both = (product / float(axis @ axis), float(target @ target) / product) if product else (0.0, 0.0)
        found.append((min(both), max(both)))
    errors = 2 * _errors(places, members, base)
    return [(low - error, high + error) for (low, high), error in zip(found, errors.tolist(), strict=True)]


def cell_weights(places: MergePlaces, members: Sequence[int], base: int | None, *, on_arc: bool = False) -> Vector:
    """Weights [n, cells] of least squares in every cell, none below LEAST; without a base they sum to 1.

    `on_arc` lets the sum be what it may before it is divided by.
    """
    reference = members[-1] if base is None else base
    free = [member for member in members if member != reference]
    found = np.full((len(members), int(places.cells.max()) + 1), LEAST)
    for cell in range(found.shape[1]):
        part = places.some(np.flatnonzero(places.cells == cell))
        if on_arc:
            values = part.relatives[list(members)].astype(np.float64) * part.scale
            weights = np.linalg.lstsq(values.T, part.query * part.scale)[0]
            found[:, cell] = np.maximum(weights, LEAST)
            continue
        target = (part.query - part.relatives[reference].astype(np.float64)) * part.scale
        weights = np.linalg.lstsq(_changes(part, free, reference).T, target)[0]
        weights = weights if base is not None else np.append(weights, 1 - weights.sum())
        found[:, cell] = np.maximum(weights, LEAST)
    return found if base is not None else found / found.sum(axis=0)


def cell_errors(places: MergePlaces, members: Sequence[int], base: int | None) -> list[Vector]:
    """The standard errors [n] of least squares in every cell; NaN where a cell cannot tell the parents apart."""
    return [
        _errors(places.some(np.flatnonzero(places.cells == cell)), members, base)
        for cell in range(int(places.cells.max()) + 1)
    ]


def _errors(places: MergePlaces, members: Sequence[int], base: int | None) -> Vector:
    reference = base if base is not None else members[-1]
    free = [m for m in members if m != reference]
    axes = _changes(places, free, reference)
    target = (places.query - places.relatives[reference].astype(np.float64)) * places.scale
    products: NDArray[np.float64] = axes @ axes.T
    if len(target) <= len(free) or np.linalg.matrix_rank(products) < len(free):
        return np.full(len(members), np.nan)
    inverse = np.linalg.inv(products)
    left = target - (inverse @ (axes @ target)) @ axes
    covariance = inverse * float(left @ left) / (len(target) - len(free))
    errors = np.sqrt(np.diag(covariance))
    return errors if base is not None else np.append(errors, np.sqrt(covariance.sum()))


def _changes(places: MergePlaces, members: Sequence[int], reference: int) -> Vector:
    apart = places.relatives[list(members)].astype(np.float64) - places.relatives[reference]
    return np.asarray(apart * places.scale)
