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

PERMUTATIONS = 999
_FEWEST = 8
"""Dimensions below which there are too few different permutations."""


class Kernel:
    """W^T W over chosen inputs, accumulated over blocks of rows: float32 [n, n]."""

    def __init__(self, columns: NDArray[np.int64], signs: NDArray[np.float32]) -> None:
        self._columns, self._signs = columns, signs
        self._sum = np.zeros((len(columns), len(columns)), np.float32)

    def add(self, block: NDArray[np.float32]) -> None:
        """The next rows [rows, in] of the matrix."""
        chosen = block[:, self._columns] * self._signs
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
    first: NDArray[np.float32], second: NDArray[np.float32], *, permutations: int = PERMUTATIONS, seed: int = 0
) -> PermutationTest | None:
    """The joint test of kernels [m, n, n] of two models, in pairs; None for less than eight dimensions or no kernel.

    All matrices are permuted together: they share one alignment, so they are one observation, not m.
    """
    m, n, _ = first.shape
    if m == 0 or n < _FEWEST:
        return None
    ckas = np.einsum("mij,mij->m", first, second, dtype=np.float64)
    total = float(ckas.sum())
    random = np.random.default_rng([seed, n])
    flat = np.ascontiguousarray(first).reshape(-1)
    null = np.empty(permutations)
    for i in range(permutations):
        order = random.permutation(n)
        null[i] = np.dot(flat, second[:, order[:, None], order].reshape(-1))
    reached = int(np.count_nonzero(null >= total))
    spread = float(null.std())
    return PermutationTest(
        ckas=tuple(ckas.tolist()),
        p=(1 + reached) / (1 + permutations),
        z=(total - float(null.mean())) / spread if spread > 0 else 0.0,
        permutations=permutations,
    )
