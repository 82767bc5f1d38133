"""How alike two arrays are, value by value: the figures of the metric tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Metrics:
    """Likeness of two arrays of `values` entries each; NaN where a figure is not defined.

    `cosine` is uncentred: most of that of two norm gains is their means. `centred_cosine` is Pearson's correlation.
    `relative_l2` is |x - y| over the root mean square of |x| and |y|: 0 for a copy, sqrt(2) for unrelated models of one
    size. `cv_difference` is the absolute difference of std / |mean|, which tells nothing where the mean is near 0
    (weights). `equal_share` counts entries that are exactly equal as float32; `changed_share` the others.
    """

    values: int
    cosine: float
    centred_cosine: float
    mean_abs_difference: float
    relative_l2: float
    p99_abs_difference: float
    cv_difference: float
    equal_share: float
    changed_share: float


METRICS = tuple(f.name for f in fields(Metrics) if f.name != "values")
"""The names of the figures, in the order of the tables."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What the metrics of two arrays need, except the percentile; those of two halves merge exactly with `+`.

    Sums of squares are about the means, so that nothing cancels. Source: Chan, Golub and LeVeque, 1979.
    """

    count: int
    mean_x: float
    mean_y: float
    xx: float
    yy: float
    xy: float
    absolute: float
    squared: float
    equal: int

    def __add__(self, other: Sums) -> Sums:
        count = self.count + other.count
        if not count:
            return self
        share = other.count / count
        x, y = other.mean_x - self.mean_x, other.mean_y - self.mean_y
        between = self.count * share
        return Sums(
            count,
            self.mean_x + x * share,
            self.mean_y + y * share,
            self.xx + other.xx + x * x * between,
            self.yy + other.yy + y * y * between,
            self.xy + other.xy + x * y * between,
            self.absolute + other.absolute,
            self.squared + other.squared,
            self.equal + other.equal,
        )

    def metrics(self, p99: float) -> Metrics:
        """The figures; `p99` is the 99th percentile of absolute difference, which sums do not hold."""
        if not self.count:
            return Metrics(0, *[math.nan] * len(METRICS))
        length_x = self.xx + self.count * self.mean_x**2
        length_y = self.yy + self.count * self.mean_y**2
        product = self.xy + self.count * self.mean_x * self.mean_y
        equal = self.equal / self.count
        same = self.equal == self.count
        mean_square = (length_x + length_y) / 2
        return Metrics(
            values=self.count,
            cosine=_cosine(product, length_x, length_y, same),
            centred_cosine=_cosine(self.xy, self.xx, self.yy, same),
            mean_abs_difference=self.absolute / self.count,
            relative_l2=math.sqrt(self.squared / mean_square) if mean_square > 0 else math.nan,
            p99_abs_difference=p99,
            cv_difference=abs(self._variation(self.mean_x, self.xx) - self._variation(self.mean_y, self.yy)),
            equal_share=equal,
            changed_share=1 - equal,
        )

    def _variation(self, mean: float, squares: float) -> float:
        return math.sqrt(squares / self.count) / abs(mean) if mean else math.nan


def _cosine(product: float, first: float, second: float, same: bool) -> float:
    if not (first > 0 and second > 0):
        return math.nan
    return 1.0 if same else max(-1.0, min(1.0, product / math.sqrt(first * second)))


def sums(x: Values, y: Values) -> Sums:
    """The sums of two arrays of one shape, in float64."""
    if x.shape != y.shape:
        raise ValueError(f"arrays of {x.shape} and {y.shape} have no values to pair")
    a, b = x.reshape(-1).astype(np.float64), y.reshape(-1).astype(np.float64)
    if not a.size:
        return Sums(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)
    mean_x, mean_y = float(a.mean()), float(b.mean())
    difference = a - b
    a -= mean_x
    b -= mean_y
    return Sums(
        a.size, mean_x, mean_y, float(a @ a), float(b @ b), float(a @ b),
        float(np.abs(difference).sum()), float(difference @ difference), int(np.count_nonzero(difference == 0)),
    )  # fmt: skip


def metrics(x: Values, y: Values) -> Metrics:
    """The figures of two arrays of one shape, computed in float64; ValueError when the shapes differ."""
    found = sums(x, y)
    difference = np.abs(x.reshape(-1).astype(np.float64) - y.reshape(-1))
    return found.metrics(float(np.quantile(difference, 0.99)) if difference.size else math.nan)


def table(found: Sequence[Metrics]) -> NDArray[np.float64]:
    """The figures [n, 8] of n metrics, in the order of METRICS."""
    return np.array([astuple(one)[1:] for one in found], np.float64).reshape(-1, len(METRICS))


def averaged(found: Sequence[Metrics], weights: NDArray[np.float64] | None = None) -> Metrics:
    """The weighted mean of each figure over those metrics that have it; `values` are added up."""
    figures = table(found)
    weight = np.ones(len(found)) if weights is None else weights
    present = np.isfinite(figures)
    total = (present * weight[:, None]).sum(axis=0)
    summed = (np.where(present, figures, 0.0) * weight[:, None]).sum(axis=0)
    mean = np.where(total > 0, summed / np.where(total > 0, total, 1), np.nan)
    return Metrics(sum(one.values for one in found), *mean.tolist())


def metrics_by_row(x: Values, y: Values) -> NDArray[np.float64]:
    """The figures [n, 8] of every row of `x` with the same row of `y` [n, width], in the order of METRICS."""
    a, b = x.astype(np.float64), y.astype(np.float64)
    difference = np.abs(a - b)
    same = difference == 0
    length_x, length_y = np.square(a).sum(axis=1), np.square(b).sum(axis=1)
    mean_x, mean_y = a.mean(axis=1), b.mean(axis=1)
    centred_x, centred_y = a - mean_x[:, None], b - mean_y[:, None]
    square_x, square_y = np.square(centred_x).sum(axis=1), np.square(centred_y).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.column_stack(
            [
                (a * b).sum(axis=1) / np.sqrt(length_x * length_y),
                (centred_x * centred_y).sum(axis=1) / np.sqrt(square_x * square_y),
                difference.mean(axis=1),
                np.sqrt(np.square(difference).sum(axis=1) / ((length_x + length_y) / 2)),
                np.quantile(difference, 0.99, axis=1),
                np.abs(
                    np.sqrt(square_x / a.shape[1]) / np.abs(mean_x) - np.sqrt(square_y / a.shape[1]) / np.abs(mean_y)
                ),
                same.mean(axis=1),
                1 - same.mean(axis=1),
            ]
        )
