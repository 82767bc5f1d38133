"""AWM: unbiased CKA of q and k, after the embedding has told how the dimensions correspond.

Zeng et al. 2025, arXiv 2510.06738: dimensions of the wider model are assigned to those of the other by the absolute
cosine of their columns over shared tokens, signs follow, and the unbiased CKA of the aligned q and of k is averaged
over layers. Layers are matched by number. Unbiased HSIC: Song et al. 2012.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from ..weights import Matrix, Weights
from . import Method

Kernel = NDArray[np.float64]


@dataclass(frozen=True)
class Attention:
    """Kernels [hidden, hidden] of q and k in every layer, and what aligns them: the embedding by token text."""

    kernels: list[list[Kernel]]
    embedding: Matrix | None
    tokens: dict[str, int]


def attention(weights: Weights) -> Attention:
    """W'W of q and k of every layer: what is left of a matrix [out, hidden] whatever its outputs are turned by."""
    pairs = zip(weights.stack("q"), weights.stack("k"), strict=True)
    kernels = [[kernel(m) for m in pair if m is not None] for pair in pairs]
    return Attention(kernels, weights.embedding, weights.spelled)


def kernel(matrix: Matrix) -> Kernel:
    """W'W without its diagonal, as the unbiased estimate needs it."""
    product = matrix.astype(np.float64).T @ matrix
    np.fill_diagonal(product, 0.0)
    return product


def similarity(first: Attention, second: Attention) -> float:
    """Mean unbiased CKA over layers, q and k, absolute; nan when nothing can be aligned."""
    if first.embedding is None or second.embedding is None:
        return math.nan
    wide, narrow = (first, second) if first.embedding.shape[1] >= second.embedding.shape[1] else (second, first)
    places, signs = alignment(wide, narrow)
    if not len(places):
        return math.nan
    values = []
    for one, other in zip(wide.kernels, narrow.kernels, strict=False):
        for k, l in zip(one, other, strict=False):  # noqa: E741
            values.append(unbiased_cka(k[np.ix_(places, places)] * np.outer(signs, signs), l))
    return abs(sum(values) / len(values)) if values else math.nan


def alignment(wide: Attention, narrow: Attention) -> tuple[NDArray[np.int64], Kernel]:
    """Of every dimension of the narrow model the wide model's dimension and the sign; empty without shared tokens."""
    shared = sorted(wide.tokens.keys() & narrow.tokens.keys())
    assert wide.embedding is not None and narrow.embedding is not None
    if not shared:
        return np.empty(0, np.int64), np.empty(0)
    one = wide.embedding[[wide.tokens[t] for t in shared]]
    other = narrow.embedding[[narrow.tokens[t] for t in shared]]
    cosines = (one / np.linalg.norm(one, axis=0)).T @ (other / np.linalg.norm(other, axis=0))
    rows, columns = optimize.linear_sum_assignment(np.abs(cosines), maximize=True)
    places = rows[np.argsort(columns)]
    return places, np.sign(cosines[places, np.arange(len(places))]).astype(np.float64)


def unbiased_cka(first: Kernel, second: Kernel) -> float:
    """CKA of two kernels without diagonals, from the unbiased estimate of HSIC."""
    norm = hsic(first, first) * hsic(second, second)
    return hsic(first, second) / math.sqrt(norm) if norm > 0 else 0.0


def hsic(first: Kernel, second: Kernel) -> float:
    """Unbiased HSIC of two kernels [n, n] with zero diagonals."""
    n = len(first)
    one, other = first.sum(axis=0), second.sum(axis=0)
    together = float(np.vdot(first, second)) + float(one.sum() * other.sum()) / ((n - 1) * (n - 2))
    return (together - 2 / (n - 2) * float(one @ other)) / (n * (n - 3))


METHOD = Method("AWM", "arXiv 2510.06738", frozenset({"q", "k", "embed"}), attention, similarity)
