"""The metrics of two whole tensors, block by block: the sums exactly, the percentile within 0.1 %."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .metrics import Metrics, Sums

INNER = 1 << 13
"""Values that are summed at once in float64: they stay in the cache, and BLAS starts no threads for them, as it does
from 10,000 values on (on two busy cores twice as many cost five times the processor time of the whole comparison)."""
_DROPPED_BITS = 14
_BUCKETS = 1 << (31 - _DROPPED_BITS)
P99_ERROR = 2.0**-10
"""Largest relative error of the percentile of tensors of more than one block: half a bucket of 512 to an octave."""


class WholeMetrics:
    """Accumulates the figures of `metrics.Metrics` over the blocks of two tensors of one shape.

    Values that are NaN or infinite count as 0 (`finite`), as everywhere in forebear. The 99th percentile of the
    absolute difference is exact for tensors of one block; of larger ones it comes from a histogram over the leading
    bits of the float32 difference, which is a logarithmic one of 512 buckets an octave.
    """

    def __init__(self) -> None:
        self._sums = Sums(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)
        self._work = np.ones((4, INNER))
        self._shift: float | None = None
        self._first: NDArray[np.float32] | None = None
        self._counts: NDArray[np.int64] | None = None

    def update(self, x: NDArray[np.float32], y: NDArray[np.float32]) -> None:
        """The next values of both tensors, made `finite`."""
        self.add(x, y)
        self.count(x, y)

    def add(self, x: NDArray[np.float32], y: NDArray[np.float32]) -> None:
        """The sums of the next values: one half of `update`, which may run beside the other."""
        a, b = x.reshape(-1), y.reshape(-1)
        if self._shift is None:
            self._shift = float(a[:INNER].mean(dtype=np.float64)) if a.size else None
        for at in range(0, len(a), INNER):
            self._sums = self._sums + _sums(a[at : at + INNER], b[at : at + INNER], self._shift or 0.0, self._work)

    def count(self, x: NDArray[np.float32], y: NDArray[np.float32]) -> None:
        """The histogram of the next differences: the other half of `update`."""
        difference = (x - y).reshape(-1)
        np.abs(difference, out=difference)
        if self._first is None and self._counts is None:
            self._first = difference
            return
        if self._first is not None:
            self._counts, self._first = _histogram(self._first), None
        assert self._counts is not None
        self._counts += _histogram(difference)

    def metrics(self) -> Metrics:
        """The figures of everything so far."""
        return self._sums.metrics(self._p99())

    def _p99(self) -> float:
        if self._first is not None:
            return float(np.quantile(self._first.astype(np.float64), 0.99)) if self._first.size else math.nan
        if self._counts is None:
            return math.nan
        reached = np.cumsum(self._counts)
        bucket = int(np.searchsorted(reached, 0.99 * (int(reached[-1]) - 1) + 1))
        edges = (np.array([bucket, bucket + 1], np.uint32) << np.uint32(_DROPPED_BITS)).view(np.float32)
        return float(edges.astype(np.float64).mean()) if bucket else 0.0


def _sums(a: NDArray[np.float32], b: NDArray[np.float32], shift: float, work: NDArray[np.float64]) -> Sums:
    """The same as `metrics.sums`, of at most INNER values, in the room of `work`, whose last row is 1.

    Both are first taken relative to `shift`, a value near their means, so that little cancels when the square of the
    mean is taken out of the sums of squares; then every figure is one pass of BLAS.
    """
    count = len(a)
    x, y, apart, ones = work[:, :count]
    np.subtract(a, shift, out=x, dtype=np.float64)
    np.subtract(b, shift, out=y, dtype=np.float64)
    np.subtract(x, y, out=apart)
    mean_x, mean_y = float(np.dot(x, ones)) / count, float(np.dot(y, ones)) / count
    squared = float(np.dot(apart, apart))
    np.abs(apart, out=apart)
    return Sums(
        count=count,
        mean_x=mean_x + shift,
        mean_y=mean_y + shift,
        xx=max(0.0, float(np.dot(x, x)) - count * mean_x * mean_x),
        yy=max(0.0, float(np.dot(y, y)) - count * mean_y * mean_y),
        xy=float(np.dot(x, y)) - count * mean_x * mean_y,
        absolute=float(np.dot(apart, ones)),
        squared=squared,
        equal=count - int(np.count_nonzero(a != b)),
    )


def finite(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """The block with 0 in place of NaN and infinities; itself where it has none."""
    good = np.isfinite(block)
    return block if good.all() else np.where(good, block, np.float32(0))


def _histogram(difference: NDArray[np.float32]) -> NDArray[np.int64]:
    keys = np.ascontiguousarray(difference).view(np.uint32) >> np.uint32(_DROPPED_BITS)
    return np.bincount(keys, minlength=_BUCKETS)
