"""Factors of adapters with their singular values made equal: what makes 256 values of them an honest sample.

Why is told in `adapters.py`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...ingest.fingerprint.factors import factor_ranks, rank_axis
from ..thresholds.significance import LEAST_SINGULAR


def kept_ranks(slot: str, shape: tuple[int, ...]) -> int:
    """How many ranks a factor's positions hold."""
    matrix = (shape[0], int(np.prod(shape[1:], dtype=object)))
    return factor_ranks(matrix[rank_axis(slot)])


def equal_spectrum(
    values: NDArray[np.float32], ranks: NDArray[np.int64], sampled: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Positions [n, 256] with singular values of 1, and how many independent values [n] each counts for at least."""
    made = np.zeros_like(values)
    count = np.ones(len(values), np.int64)
    for k, size in sorted(set(zip(ranks.tolist(), sampled.tolist(), strict=True))):
        if not k or not size or size % k:
            continue
        some = (ranks == k) & (sampled == size)
        left, strength, right = np.linalg.svd(values[some, :size].reshape(-1, k, size // k), full_matrices=False)
        present = strength > LEAST_SINGULAR * strength.max(axis=1, keepdims=True)
        made[some, :size] = ((left * present[:, None, :]) @ right).reshape(-1, size)
        count[some] = np.minimum(k * present.sum(axis=1), size)
    return made, count
