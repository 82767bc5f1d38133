"""Families of random models and merges of them, made on whole tensors and sampled: what recipes are tested on.

Merges are computed here with the arithmetic of ml_dtypes, not with the code that replays them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import DTypeLike, NDArray

from forebear.queries.lineage.recipes.places import MergePlaces

LAYERS, TENSORS, ROWS, VALUES, SAMPLED = 4, 3, 64, 4096, 256
BFLOAT16: Any = ml_dtypes.bfloat16
ROOT = 0
Weights = NDArray[np.float32]


def family(seed: int, *, drift: float = 0.08, dtype: DTypeLike = ml_dtypes.bfloat16, children: int = 4) -> Weights:
    """A root and its children [1 + children, tensors, values], whose changes are alike in part."""
    random = np.random.default_rng(seed)
    root, shared = random.standard_normal((2, LAYERS * TENSORS, VALUES)) * 0.02
    own = random.standard_normal((children, *root.shape)) * 0.02
    made = np.stack([root, *(root + drift * (0.4 * shared + 0.9 * change) for change in own)])
    return made.astype(dtype).astype(np.float32)


def sampled(query: Weights, relatives: Sequence[Weights] | Weights, *, bits: int = 7) -> MergePlaces:
    """A query and relatives [tensors, values] at the same 256 places of every tensor."""
    count = len(query)
    weight = np.sqrt(1 / (count * SAMPLED)) / np.sqrt(np.square(query, dtype=np.float64).mean(axis=1))
    every = VALUES // SAMPLED
    return MergePlaces(
        query=query[:, ::every].reshape(-1),
        relatives=np.stack([relative[:, ::every].reshape(-1) for relative in relatives]),
        layer=np.repeat(np.arange(count) // TENSORS, SAMPLED),
        group=np.repeat(np.arange(count) % 2, SAMPLED),
        tensor=np.repeat(np.arange(count), SAMPLED),
        row=np.tile(np.arange(0, VALUES, every) // (VALUES // ROWS), count),
        scale=np.repeat(weight, SAMPLED),
        bits=bits,
    )


def linear(parents: Sequence[Weights], weights: Sequence[float | Weights]) -> Weights:
    """The weighted mean in float32, kept as bfloat16."""
    total, divisor = np.zeros_like(parents[0]), np.zeros(1, np.float32)
    for weight, parent in zip(weights, parents, strict=True):
        single = np.asarray(weight, np.float32)
        total = (total + single.astype(np.float64) * parent).astype(np.float32)
        divisor = divisor + single
    return np.asarray((total / divisor).astype(np.float32).astype(BFLOAT16).astype(np.float32))


def linear_in_steps(parents: Sequence[Weights], weights: Sequence[float]) -> Weights:
    """The weighted mean in bfloat16: weights cast, products rounded."""
    products = [p.astype(BFLOAT16) * BFLOAT16(w) for w, p in zip(weights, parents, strict=True)]
    total = sum(product.astype(np.float32) for product in products)
    divisor = sum(np.float32(BFLOAT16(w)) for w in weights)
    return (np.asarray(total).astype(BFLOAT16) / BFLOAT16(divisor)).astype(np.float32)


def slerp(first: Weights, second: Weights, t: float) -> Weights:
    """Along the arc, every tensor of its own angle."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    angle = np.arccos(cosine)[:, None]
    made = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
    return made.astype(np.float32).astype(BFLOAT16).astype(np.float32)


def task_arithmetic(base: Weights, parents: Sequence[Weights], weights: Sequence[float]) -> Weights:
    """The base and weighted changes, all in bfloat16."""
    ground = base.astype(BFLOAT16)
    changes = [(p.astype(BFLOAT16) - ground) * BFLOAT16(w) for w, p in zip(weights, parents, strict=True)]
    total = np.asarray(sum(change.astype(np.float32) for change in changes)).astype(BFLOAT16)
    return (ground + total).astype(np.float32)


def ties(base: Weights, parents: Sequence[Weights], weights: Sequence[float], density: float) -> Weights:
    """TIES in bfloat16, the largest changes by a sort of whole tensors."""
    ground, weighted = base.astype(BFLOAT16), []
    for weight, parent in zip(weights, parents, strict=True):
        change = (parent.astype(BFLOAT16) - ground).astype(np.float32)
        kept = np.argsort(-np.abs(change), axis=1)[:, : int(density * change.shape[1])]
        trimmed = np.zeros_like(change)
        np.put_along_axis(trimmed, kept, np.take_along_axis(change, kept, axis=1), axis=1)
        weighted.append((trimmed.astype(BFLOAT16) * BFLOAT16(weight)).astype(np.float32))
    sign = np.where(sum(weighted) >= 0, 1.0, -1.0)
    agree = [np.sign(w) == sign for w in weighted]
    total = np.asarray(sum(w * a for w, a in zip(weighted, agree, strict=True)), np.float32).astype(BFLOAT16)
    parts = [np.float32(BFLOAT16(w)) * a for w, a in zip(weights, agree, strict=True)]
    divisor = np.asarray(sum(parts), np.float32).astype(BFLOAT16)
    divisor = np.where(divisor == 0, BFLOAT16(1), divisor)
    return (ground + (total / divisor)).astype(np.float32)


def model_stock(base: Weights, parents: Sequence[Weights]) -> Weights:
    """From the base towards the mean of its children by the mean cosine of their changes, in bfloat16."""
    changes = [(p - base).astype(np.float64) for p in parents]
    pairs = [(a, b) for n, a in enumerate(changes) for b in changes[n + 1 :]]
    cosines = [(a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1) for a, b in pairs]
    cosine, count = np.mean(cosines, axis=0)[:, None], len(parents)
    t = (count * cosine / (1 + (count - 1) * cosine)).astype(np.float32).astype(BFLOAT16)
    total = parents[0].astype(BFLOAT16)
    for parent in parents[1:]:
        total = total + parent.astype(BFLOAT16)
    mean = total / BFLOAT16(count)
    return (t * mean + (BFLOAT16(1) - t) * base.astype(BFLOAT16)).astype(np.float32)


def nearswap(base: Weights, other: Weights, t: float) -> Weights:
    """A step of t towards another model, in bfloat16."""
    a, b = base.astype(BFLOAT16), other.astype(BFLOAT16)
    apart = np.maximum(np.abs(a - b), BFLOAT16(1e-6))
    inverse = (BFLOAT16(1) / apart).astype(np.float32)
    weight = np.minimum((inverse * np.float32(t)).astype(BFLOAT16).astype(np.float32), 1).astype(BFLOAT16)
    return (weight * b + (BFLOAT16(1) - weight) * a).astype(np.float32)


def breadcrumbs(
    base: Weights, parents: Sequence[Weights], weights: Sequence[float], density: float, gamma: float
) -> Weights:
    """The changes in the middle by size, weighted and summed, in bfloat16."""
    ground, total = base.astype(BFLOAT16), np.zeros_like(base)
    for weight, parent in zip(weights, parents, strict=True):
        change = (parent.astype(BFLOAT16) - ground).astype(np.float32)
        order = np.argsort(-np.abs(change), axis=1)
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.broadcast_to(np.arange(VALUES), order.shape).copy(), axis=1)
        kept = np.where((rank >= gamma * VALUES) & (rank < (gamma + density) * VALUES), change, 0)
        total = total + (kept.astype(BFLOAT16) * BFLOAT16(weight)).astype(np.float32)
    return (ground + total.astype(BFLOAT16)).astype(np.float32)


def dare(
    base: Weights, parents: Sequence[Weights], weights: Sequence[float], density: float, *, signs: bool = False
) -> Weights:
    """Changes left out at random and rescaled to the L1 norm of the whole, in bfloat16; `signs` elects signs."""
    random = np.random.default_rng(0)
    ground, made = base.astype(BFLOAT16), []
    for weight, parent in zip(weights, parents, strict=True):
        change = (parent.astype(BFLOAT16) - ground).astype(np.float32)
        kept = np.where(random.random(change.shape) < density, change, 0)
        scale = np.abs(change).sum(axis=1) / np.abs(kept).sum(axis=1)
        scaled = kept.astype(BFLOAT16) * scale.astype(BFLOAT16)[:, None]
        made.append((scaled * BFLOAT16(weight)).astype(np.float32))
    if signs:
        elected = np.where(sum(made) >= 0, 1.0, -1.0)
        made = [np.where(np.sign(one) == elected, one, 0) for one in made]
    return (ground + np.asarray(sum(made), np.float32).astype(BFLOAT16)).astype(np.float32)


def karcher(parents: Sequence[Weights]) -> Weights:
    """The Karcher mean of every tensor, found on whole tensors in float64, kept as bfloat16."""
    values = np.stack(parents).astype(np.float64)
    lengths = np.linalg.norm(values, axis=2, keepdims=True)
    units = values / lengths
    mean = units.mean(axis=0)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    for _ in range(50):
        dots = (units * mean).sum(axis=2, keepdims=True)
        angles = np.arccos(dots)
        tangent = (angles / np.sin(angles) * (units - dots * mean)).mean(axis=0)
        length = np.linalg.norm(tangent, axis=1, keepdims=True)
        mean = np.cos(length) * mean + np.sin(length) * tangent / np.maximum(length, 1e-12)
    return (lengths.mean(axis=0) * mean).astype(np.float32).astype(BFLOAT16).astype(np.float32)


def arcee_fusion(base: Weights, other: Weights, rows: int = ROWS) -> Weights:
    """The most important values of another model, importance being the change times the divergence of its row."""
    shape = (len(base), rows, -1)
    chances = [np.exp(x) / np.exp(x).sum(axis=2, keepdims=True) for x in (other.reshape(shape), base.reshape(shape))]
    divergence = (chances[0] * np.log(chances[0] / chances[1])).sum(axis=2, keepdims=True)
    importance = (np.abs(other - base).reshape(shape) * divergence).reshape(base.shape)
    low, middle, high = np.quantile(importance, [0.25, 0.5, 0.75], axis=1, keepdims=True)
    changes = (other.astype(BFLOAT16) - base.astype(BFLOAT16)).astype(np.float32)
    return (base + np.where(importance >= middle + 1.5 * (high - low), changes, 0)).astype(np.float32)


def karcher_in_steps(parents: Sequence[Weights]) -> Weights:
    """The Karcher mean of models so near that all angles are 0 in bfloat16: every step of it is rounded."""
    values = [parent.astype(BFLOAT16) for parent in parents]
    lengths = [np.linalg.norm(v.astype(np.float32), axis=1, keepdims=True).astype(np.float32) for v in values]
    share = np.float32(1 / len(parents))
    mean = np.zeros(values[0].shape, BFLOAT16)
    for value, length in zip(values, lengths, strict=True):
        unit = (value.astype(np.float32) / length).astype(BFLOAT16)
        mean = mean + (unit.astype(np.float32) * share).astype(BFLOAT16)
    size = np.linalg.norm(mean.astype(np.float32), axis=1, keepdims=True).astype(np.float32)
    mean = (mean.astype(np.float32) / size).astype(BFLOAT16)
    scale = np.mean(lengths, axis=0).astype(np.float32).astype(BFLOAT16)
    return (mean * scale).astype(np.float32)


def sce(base: Weights, parents: Sequence[Weights], top: float) -> Weights:
    """The changes that differ most, each parent by its energy, of the sign of the sum, in bfloat16."""
    ground = base.astype(BFLOAT16)
    changes = np.stack([(parent.astype(BFLOAT16) - ground).astype(np.float32) for parent in parents])
    variance = changes.var(axis=0).astype(BFLOAT16).astype(np.float32)
    least = -np.sort(-variance, axis=1)[:, [int(top * VALUES) - 1]]
    changes = np.where(variance >= least, changes, 0)
    energy = np.square(changes).mean(axis=2, keepdims=True).astype(BFLOAT16).astype(np.float32)
    whole = energy.sum(axis=0).astype(BFLOAT16).astype(np.float32)
    weights = (energy / whole).astype(BFLOAT16).astype(np.float32)
    agree = np.sign(changes) == np.where(changes.sum(axis=0) >= 0, 1, -1)
    total = np.sum((changes * weights).astype(BFLOAT16).astype(np.float32) * agree, axis=0).astype(BFLOAT16)
    divisor = np.maximum((weights * agree).sum(axis=0).astype(BFLOAT16).astype(np.float32), 1e-6).astype(BFLOAT16)
    return (ground + total / divisor).astype(np.float32)
