"""Figures of the leading rows that give context, and their exact hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_GROUP = 32


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the values that were read: moments, extremes, and how coarse their grid is.

    `kurtosis` is the fourth standardised moment (3 for a Gaussian). `levels` is the mean number of different values
    among 32 neighbours of a row (32 for real weights, at most 2**b after b-bit quantisation by groups).
    `hash` is BLAKE2b of the float32 values: equal for equal weights in any dtype.
    """

    mean: float
    std: float
    rms: float
    max: float
    kurtosis: float
    zeros: float
    levels: float
    nonfinite: int
    hash: int


def statistics(block: NDArray[np.float32], nonfinite: int) -> Statistics:
    """Statistics of a block [rows, columns] of finite values, of which `nonfinite` were none before they became 0."""
    values = block.reshape(-1).astype(np.float64)
    if not values.size:
        return Statistics(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, nonfinite, 0)
    mean, std = float(values.mean()), float(values.std())
    squares = np.square((values - mean) / std) if std > 0 else np.zeros(1)
    return Statistics(
        mean=mean,
        std=std,
        rms=float(np.sqrt(np.mean(values * values))),
        max=float(np.abs(values).max()),
        kurtosis=float(np.mean(squares * squares)),
        zeros=float(np.mean(values == 0)),
        levels=_levels(block),
        nonfinite=nonfinite,
        hash=exact_hash(block),
    )


def exact_hash(block: NDArray[np.float32]) -> int:
    """BLAKE2b, 63 bits, of the shape and the little-endian float32 values, with one spelling of zero."""
    digest = hashlib.blake2b(str(block.shape).encode(), digest_size=8)
    digest.update(np.ascontiguousarray(block + np.float32(0), "<f4").data)
    return int.from_bytes(digest.digest(), "little") >> 1


def _levels(block: NDArray[np.float32]) -> float:
    """Mean count of different values in groups of 32 along the first four rows; the row's own when it is shorter."""
    width = min(_GROUP, block.shape[1])
    groups = block[:4, : block.shape[1] // width * width].reshape(-1, width)
    ordered = np.sort(groups, axis=1)
    return float(np.mean((np.diff(ordered, axis=1) != 0).sum(axis=1) + 1))
