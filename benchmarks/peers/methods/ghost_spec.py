"""GhostSpec-like: singular values of the products that attention is made of, whatever the basis of heads and stream.

Wang et al. 2025, arXiv 2511.06390: every layer is described by the singular values of W_q' W_k and of W_o W_v, which
rotations and permutations of heads and of the residual stream leave as they are; layers of two models are compared by
the mean squared difference of the values, aligned in order, and averaged. Here each set of values is scaled to length 1
and cut to the shorter one; every layer of the shallower model is aligned, and layers of the deeper one are left out at
no cost. The constants of the paper's own alignment are not reproduced: *like*, not *is*.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..weights import Matrix, Weights
from . import ATTENTION, Method
from .huref import widened

Spectra = list[tuple[NDArray[np.float64], ...]]
"""Of every layer the singular values of W_q' W_k and of W_o W_v, descending, of length 1."""


def spectra(weights: Weights) -> Spectra:
    """The spectra of every layer that has all four matrices."""
    found: Spectra = []
    for q, k, v, o in zip(*(weights.stack(role) for role in ("q", "k", "v", "o")), strict=True):
        if q is not None and k is not None and v is not None and o is not None:
            found.append((_spectrum(q.T, widened(k, weights)), _spectrum(o, widened(v, weights))))
    return found


def _spectrum(left: Matrix, right: Matrix) -> NDArray[np.float64]:
    """Singular values of left @ right, [hidden, inner] and [inner, hidden]."""
    values = np.linalg.svd(left @ right, compute_uv=False).astype(np.float64)
    length = float(np.linalg.norm(values))
    return values / length if length > 0 else values


def similarity(first: Spectra, second: Spectra) -> float:
    """Minus the mean squared difference over aligned layers; nan when one has no attention of its own."""
    if not first or not second:
        return math.nan
    short, long = sorted((first, second), key=len)
    distances = np.array([[difference(one, other) for other in long] for one in short])
    return -aligned(distances) / len(short)


def difference(one: tuple[NDArray[np.float64], ...], other: tuple[NDArray[np.float64], ...]) -> float:
    """Mean squared difference of the spectra of two layers, over as many values as both have."""
    parts = []
    for mine, theirs in zip(one, other, strict=True):
        count = min(len(mine), len(theirs))
        parts.append(float(np.square(mine[:count] - theirs[:count]).mean()))
    return sum(parts) / len(parts)


def aligned(distances: NDArray[np.float64]) -> float:
    """The least sum of distances [n, m], n <= m, when every row takes a column and their order is kept."""
    best = np.zeros(distances.shape[1] + 1)  # the least sum of the rows so far, within the first j columns
    for row in distances:
        taken = np.full(len(best), np.inf)
        taken[1:] = best[:-1] + row
        best = np.minimum.accumulate(taken)
    return float(best[-1])


METHOD = Method("GhostSpec-like", "arXiv 2511.06390", ATTENTION, spectra, similarity)
