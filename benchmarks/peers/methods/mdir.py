"""MDIR-like: the rotation between two embeddings of shared tokens, and how near it is to a permutation.

Zhang 2025, arXiv 2508.06309: with the rows E and F of the tokens that both vocabularies hold, the polar factor Q of
E'F is the rotation that fits best (Procrustes). Of unrelated models it is any rotation; of relatives its trace is
large, after a permutation of dimensions if they were permuted. The chance that a random rotation of n dimensions has
a trace of n x is exp(-n^2 I(x)), by large deviations, and all n! permutations were tried. The score is -log10 of that.

I(x) is the Legendre transform of the integral of exp(t tr Q) over rotations (Gross and Witten, Phys. Rev. D 21, 1980):
x^2 / 2 up to 1/2, and 1/8 - log(2 - 2x) / 4 beyond. Only embeddings are compared: *like*, not *is*. The paper also
reconstructs layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from ..weights import Matrix, Weights
from . import Method

NEAREST_TO_ONE = 1 - 1e-9
"""Traces above this share of n would have no finite logarithm."""


@dataclass(frozen=True)
class Embedding:
    """The embedding [vocabulary, hidden], and the row of every token by its text."""

    rows: Matrix | None
    tokens: dict[str, int]


def embedding(weights: Weights) -> Embedding:
    """What is compared of a model."""
    return Embedding(weights.embedding, weights.spelled)


def evidence(first: Embedding, second: Embedding) -> float:
    """-log10 of the chance of such a trace; nan with fewer shared tokens than dimensions."""
    if first.rows is None or second.rows is None:
        return math.nan
    shared = sorted(first.tokens.keys() & second.tokens.keys())
    if len(shared) < max(first.rows.shape[1], second.rows.shape[1]):
        return math.nan
    mine = first.rows[[first.tokens[t] for t in shared]]
    theirs = second.rows[[second.tokens[t] for t in shared]]
    rotation = polar(mine.T.astype(np.float64) @ theirs)
    n = min(rotation.shape)
    identity = float(np.trace(rotation)) / n
    rows, columns = optimize.linear_sum_assignment(rotation, maximize=True)
    permuted = float(rotation[rows, columns].sum()) / n
    plain = n * n * rate(identity)
    tried = n * n * rate(permuted) - math.lgamma(n + 1)
    return (max(plain, tried) - math.log(2)) / math.log(10)


def polar(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The orthogonal factor of a matrix [n, m]: of all (partial) rotations the nearest one."""
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    return np.asarray(left @ right)


def rate(trace: float) -> float:
    """I(x): -log of the chance of a trace of n x or more, over n^2; 0 for what is not above 0."""
    x = min(max(trace, 0.0), NEAREST_TO_ONE)
    return x * x / 2 if x <= 0.5 else 0.125 - math.log(2 * (1 - x)) / 4


METHOD = Method("MDIR-like", "arXiv 2508.06309", frozenset({"embed"}), embedding, evidence)
