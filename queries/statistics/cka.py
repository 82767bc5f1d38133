"""Unbiased centred kernel alignment (CKA) of weight matrices, and its exact null: permuted alignments.

The kernel of a weight matrix W [out, in] is W^T W over (some of) its inputs, the dimensions of the residual stream. It
does not change when the outputs are permuted or rotated, as whole heads or inside them. Columns are first scaled to
length 1, so that no norm gain and no outlier dimension decides.

Sources: Kornblith et al., "Similarity of neural network representations revisited", 2019; the unbiased estimator: Song
et al., "Feature selection via dependence maximization", JMLR 13, 2012; U-centring: Székely and Rizzo, "Partial distance
correlation", Annals of Statistics 42, 2014.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..thresholds.comparison import CKA_FEWEST, CKA_PERMUTATIONS
from .whole_metrics import finite


class Kernel:
    """W^T W over chosen inputs, accumulated over blocks of rows: float32 [n, n]."""

    def __init__(self, columns: NDArray[np.int64], signs: NDArray[np.float32]) -> None:
        self._columns, self._signs = columns, signs
        self._sum = np.zeros((len(columns), len(columns)), np.float32)

    def add(self, block: NDArray[np.float32]) -> None:
        """The next rows [rows, in] of the matrix."""
        chosen = finite(block[:, self._columns]) * self._signs
        self._sum += chosen.T @ chosen

    def centred(self) -> NDArray[np.float32] | None:
        """The kernel of the scaled columns, U-centred, of length 1; None where nothing varies."""
        lengths = np.sqrt(np.diagonal(self._sum))
        scale = np.where(lengths > 0, lengths, 1)
        return u_centred(self._sum / scale / scale[:, None])


def u_centred(kernel: NDArray[np.floating]) -> NDArray[np.float32] | None:
    """A symmetric kernel [n, n] with zero diagonal and rows that sum to 0, scaled to length 1; None without variation.

    The inner product of two such matrices is their unbiased CKA.
    """
    n = len(kernel)
    wide = kernel.astype(np.float64)
    np.fill_diagonal(wide, 0)
    rows = wide.sum(axis=1) / (n - 2)
    wide = wide - rows - rows[:, None] + wide.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(wide, 0)
    length = float(np.linalg.norm(wide))
    return (wide / length).astype(np.float32) if length > 1e-12 * n else None


def null_deviation(dimensions: int) -> float:
    """Standard deviation of the unbiased CKA of two fixed kernels over all permutations of the dimensions.

    Exact: U-centred matrices are an irreducible representation of the permutations, of n (n - 3) / 2 dimensions, so the
    mean square of the inner product of two of length 1 is one over that.
    """
    return float((dimensions * (dimensions - 3) / 2) ** -0.5)


def all_pairs(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """Unbiased CKA [m, m] of every kernel of one model [m, n, n] with every kernel of another."""
    found = first.reshape(len(first), -1) @ second.reshape(len(second), -1).T
    return np.asarray(found.clip(-1, 1), np.float64)


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """Sum of the unbiased CKA over matrices, against the same with the dimensions of one model permuted.

    `p` is (1 + permutations that reach the sum) / (1 + permutations), one-sided: it cannot be below
    1 / (1 + permutations). `z` is the distance of the sum from the permuted ones in their standard deviations.
    """

    ckas: tuple[float, ...]
    p: float
    z: float
    permutations: int


def permutation_test(
    first: NDArray[np.float32], second: NDArray[np.float32], *, permutations: int = CKA_PERMUTATIONS, seed: int = 0
) -> PermutationTest | None:
    """The joint test of kernels [m, n, n] of two models, in pairs; None for less than eight dimensions or no kernel.

    Exact for independent models as long as nothing but chance tells the dimensions of one from each other. So it is
    for equal numbers: a model starts from random weights that treat its dimensions alike, and so does its training;
    permuted, it is as likely as it is. It is not for dimensions that were matched by looking at both models.
    All matrices are permuted together: they share one alignment, so they are one observation, not m.
    """
    m, n, _ = first.shape
    if m == 0 or n < CKA_FEWEST:
        return None
    ckas = np.einsum("mij,mij->m", first, second, dtype=np.float64)
    total = float(ckas.sum())
    random = np.random.default_rng([seed, n])
    rows, columns = np.triu_indices(n, 1)  # symmetric, with zero diagonals: one half holds all
    flat = np.ascontiguousarray(first[:, rows, columns].T).reshape(-1)
    turned = np.ascontiguousarray(second.transpose(1, 2, 0))  # what is permuted together lies together
    null = np.empty(permutations)
    for i in range(permutations):
        order = random.permutation(n)
        null[i] = 2 * np.dot(flat, turned[order[rows], order[columns]].reshape(-1))
    reached = int(np.count_nonzero(null >= total))
    spread = float(null.std())
    return PermutationTest(
        ckas=tuple(ckas.tolist()),
        p=(1 + reached) / (1 + permutations),
        z=(total - float(null.mean())) / spread if spread > 0 else 0.0,
        permutations=permutations,
    )
