"""Merges of published methods on plain arrays, computed in the arrays' own type as mergekit does.

State dicts map names to arrays; all of one merge have the same names, shapes and types. Sources: mergekit (state of
June 2026); SLERP, Shoemake 1985; task arithmetic, arXiv 2212.04089; TIES, arXiv 2306.01708; DARE, arXiv 2311.03099.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
State = dict[str, Array]
PARALLEL = 0.9995
"""Cosine above which mergekit's SLERP falls back to a straight line."""


def merged(
    formula: Callable[[Array, Sequence[Array]], Array], base: Mapping[str, Array], tuned: Sequence[Mapping[str, Array]]
) -> State:
    """Apply `formula(base, models)` to every tensor of `base`."""
    return {name: formula(tensor, [model[name] for model in tuned]) for name, tensor in base.items()}


def linear(tensors: Sequence[Array], weights: Sequence[float]) -> Array:
    """sum(w x) / sum(w); the weights are rounded to the tensors' type too (0.6 is 0.6016 in bfloat16)."""
    shares = np.asarray(weights).astype(tensors[0].dtype)
    return weighted_sum(tensors, shares) / shares.astype(np.float32).sum().astype(shares.dtype)


def weighted_sum(tensors: Sequence[Array], shares: Array) -> Array:
    """sum(w x): every product is rounded to the type of the tensors, the sum once, as torch.sum does."""
    total = np.zeros(tensors[0].shape, np.float32)
    for tensor, share in zip(tensors, shares, strict=True):
        total += (share * tensor).astype(np.float32)
    return total.astype(tensors[0].dtype)


def slerp(first: Array, second: Array, share: float) -> Array:
    """Spherical interpolation of the flattened tensors in float32; `share` is the second's."""
    one, other = first.astype(np.float32), second.astype(np.float32)
    norms = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    cosine = float(np.vdot(one, other)) / norms if norms else 1.0
    if abs(cosine) > PARALLEL:
        return ((1 - share) * one + share * other).astype(first.dtype)
    angle = np.arccos(cosine)
    weights = np.sin((1 - share) * angle) / np.sin(angle), np.sin(share * angle) / np.sin(angle)
    return (np.float32(weights[0]) * one + np.float32(weights[1]) * other).astype(first.dtype)


def task_arithmetic(base: Array, tuned: Sequence[Array], weights: Sequence[float], scale: float = 1.0) -> Array:
    """The base plus scale * sum(w (x - base)), not normalised; `scale` is mergekit's lambda, 1 unless given."""
    shares = np.asarray(weights).astype(base.dtype)
    return base + base.dtype.type(scale) * weighted_sum([x - base for x in tuned], shares)


def ties(base: Array, tuned: Sequence[Array], weights: Sequence[float], density: float) -> Array:
    """Keep the largest share `density` of each change, elect signs by the weighted sum, average what agrees."""
    shares = np.asarray(weights).astype(base.dtype)
    changes = [share * trimmed(x - base, density) for x, share in zip(tuned, shares, strict=True)]
    stack = np.stack([change.astype(np.float32) for change in changes])
    agrees = np.sign(stack) == np.where(stack.sum(axis=0) >= 0, 1, -1)
    divisor = np.tensordot(shares.astype(np.float32), agrees.astype(np.float32), axes=1)
    mean = (stack * agrees).sum(axis=0) / np.where(np.abs(divisor) < 1e-8, 1, divisor)
    return base + mean.astype(base.dtype)


def trimmed(change: Array, density: float) -> Array:
    """The int(density n) entries that are largest by magnitude; the others are 0."""
    kept = int(density * change.size)
    if kept >= change.size:
        return change
    size = np.abs(change.astype(np.float32)).ravel()
    result = np.zeros_like(change).ravel()
    if kept:
        largest = np.argpartition(size, change.size - kept)[change.size - kept :]
        result[largest] = change.ravel()[largest]
    return result.reshape(change.shape)


def dare_linear(base: Array, tuned: Sequence[Array], weights: Sequence[float], density: float, seed: int) -> Array:
    """The base plus sum(w d) of changes d thinned by a Bernoulli mask and rescaled to the L1 norm that they had."""
    generator = np.random.default_rng(seed)
    shares = np.asarray(weights).astype(base.dtype)
    return base + weighted_sum([thinned(x - base, density, generator) for x in tuned], shares)


def thinned(change: Array, density: float, generator: np.random.Generator) -> Array:
    """Each entry is kept with probability `density`; the rest is scaled to the L1 norm of the whole."""
    kept = change.astype(np.float32) * (generator.random(change.shape, np.float32) < density)
    norm, left = np.abs(change.astype(np.float32)).sum(), np.abs(kept).sum()
    return (kept * (norm / left if left > 0 else 1.0)).astype(change.dtype)
