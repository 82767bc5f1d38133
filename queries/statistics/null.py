"""What unrelated models look like, measured on the very models that are compared.

The blocks of two models that do not belong together are the null: their scores, with what whole rows and columns share
taken out (unrelated models share structure such as the order of RoPE frequencies), have a spread of about 1; where it
is more, every score is divided by it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..thresholds.significance import FEW_BLOCKS, FEW_PAIRS, FIXED_SPREAD, OUTLIER_DEVIATIONS

_MAD = 1.4826  # median absolute deviation of a standard normal, inverted
_NORMAL_80 = 1.2816  # four fifths of a standard normal are nearer to 0


def standardised(rows: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Rows [n, width] centred and scaled to length 1 over their first `counts` [n] values, the padding 0.

    Values beyond six robust standard deviations are cut there: one huge weight must not decide a correlation. Rows
    without variation become 0.
    """
    wide = rows.astype(np.float64)
    for count in np.unique(counts):
        some = counts == count
        values = wide[some, :count]
        middle = _row_medians(values) if count else values
        limit = OUTLIER_DEVIATIONS * _MAD * _row_medians(np.abs(values - middle)) if count else values
        values = np.where(limit > 0, np.clip(values, middle - limit, middle + limit), values)
        values = values - values.mean(axis=1, keepdims=True) if count else values
        wide[some, :count] = values
        wide[some, count:] = 0
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0)
    wide /= np.where(largest > 0, largest, 1)
    length = np.sqrt(np.square(wide).sum(axis=1, keepdims=True))
    return (wide / np.where(length > 0, length, 1)).astype(np.float32)


def equal_spectrum_gram(cosines: NDArray[np.float64]) -> NDArray[np.float32]:
    """Cosines [n, 120] of 16 rows, with the eigenvalues of their matrix replaced by their ranks.

    Rows of trained matrices share directions, so that one or two eigenvalues hold most of a Gram matrix: the
    correlation of two unrelated models' is then that of a few numbers, and reaches 8 of its standard deviations. With
    evenly spaced eigenvalues every direction counts; unrelated models stay below 5, and relations lose little.
    """
    size = (1 + math.isqrt(1 + 8 * cosines.shape[1])) // 2
    upper = np.triu_indices(size, 1)
    matrices = np.zeros((len(cosines), size, size))
    matrices[:, upper[0], upper[1]] = cosines
    matrices += matrices.transpose(0, 2, 1) + np.eye(size)
    _, vectors = np.linalg.eigh(matrices)
    levels = np.arange(size) - (size - 1) / 2
    return ((vectors * levels) @ vectors.transpose(0, 2, 1))[:, upper[0], upper[1]].astype(np.float32)


def fisher_z(r: NDArray[np.floating], values: NDArray[np.int64] | int) -> NDArray[np.float64]:
    """atanh(r) sqrt(n - 3): a standard normal for unrelated models. Source: Fisher, Metron 1, 1921."""
    return np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12).astype(np.float64)) * np.sqrt(np.maximum(values - 3, 1))


def calibrated(z: NDArray[np.float64], *, symmetric: bool = False) -> NDArray[np.float64]:
    """Scores [query blocks, candidate blocks] against the null of their own mismatched pairs; NaN stays NaN.

    Row and column medians are taken out, and the rest is divided by its robust spread, never below 1. With fewer than
    20 pairs no spread can be measured, and they are divided by 1.3; with fewer than four blocks on a side no median
    either. The two are apart because four layers against four have both: what all their pairs share is no evidence.

    Blocks of several widths, of which each is comparable with its like alone, are apart: of two that are comparable
    with two, the median lies between what belongs together and what does not.
    """
    finite = np.isfinite(z)
    whole = bool(finite.all())
    if not whole and (apart := _apart(finite)):
        found = np.full(z.shape, np.nan)
        for place in apart:
            found[place] = calibrated(z[place], symmetric=symmetric)
        return found
    rows, columns = z.shape if whole else (int(finite.any(axis=axis).sum()) for axis in (1, 0))
    if min(rows, columns) < FEW_BLOCKS:
        return z / FIXED_SPREAD
    centred = z - _median(z, 1, whole)
    centred = centred - _median(centred, 0, whole)
    if (z.size if whole else finite.sum()) < FEW_PAIRS:
        return centred / FIXED_SPREAD
    freedom = math.sqrt(rows * columns / ((rows - 1) * (columns - 1)))  # what the medians took out
    return centred / max(1.0, freedom * spread(centred, symmetric=symmetric))


def _apart(finite: NDArray[np.bool_]) -> list[tuple[NDArray[np.int64], ...]]:
    """The parts of a grid where all is finite, of rows and columns of their own; none where it has other gaps."""
    patterns, group = np.unique(finite, axis=0, return_inverse=True)
    if patterns.sum(axis=0).max(initial=0) > 1:
        return []
    return [np.ix_(group == number, columns) for number, columns in enumerate(patterns) if columns.any()]


def spread(scores: NDArray[np.float64], *, symmetric: bool = False) -> float:
    """Robust standard deviation of the finite scores: the pairs that do belong together hardly count.

    The largest of three estimates: the median of all absolute deviations, the 80th percentile of those below the
    middle, and the 80th percentile of all. The first misses heavy tails. The last takes in a fifth of pairs that belong
    together; of a few layers with all their experts copied from one dense FFN these are a quarter and more, so it is
    left out where the null is `symmetric`, as that of values at hashed places is, and that of cosines is not.
    """
    values = np.sort(scores[np.isfinite(scores)])
    if not values.size:
        return 1.0
    deviations = values - _middle(values)  # ascending too
    sizes = np.sort(np.abs(deviations))
    below = -deviations[: np.searchsorted(deviations, 0.0, side="right")][::-1]
    outer = [_quantile(below, 0.8)] + ([] if symmetric else [_quantile(sizes, 0.8)])
    return float(max(_MAD * _quantile(sizes, 0.5), max(outer) / _NORMAL_80))


def median(values: NDArray[np.floating]) -> float:
    """The median of values [n], at least one and none of them NaN: np.median to the same bits, in half the time."""
    return float(_middle(np.sort(values)))


def _row_medians(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Medians [n, 1] of rows [n, width]: np.median to the same bits, which selects, where sorting takes a seventh."""
    return _middle(np.sort(values, axis=1).T)[:, None]


def _middle(ordered: NDArray[np.floating]) -> NDArray[np.float64]:
    """Medians along the first axis of sorted values: np.median, ten times as fast for small arrays."""
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _quantile(ordered: NDArray[np.float64], share: float) -> float:
    """A quantile of sorted values [n], interpolated to the same bits as np.quantile."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    low, high = float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)])
    part = place - below
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)


def _median(z: NDArray[np.float64], axis: int, whole: bool) -> NDArray[np.float64]:
    """Medians along an axis, kept as one; 0 where everything is NaN. `whole`: nothing is NaN."""
    if whole:
        middles = _middle(np.sort(z if axis == 0 else z.T, axis=0))
        return middles[None, :] if axis == 0 else middles[:, None]
    filled = np.where(np.isfinite(z).any(axis=axis, keepdims=True), z, 0.0)
    return np.nanmedian(filled, axis=axis, keepdims=True)


def jaccard_of_unrelated(
    first: NDArray[np.float64], second: NDArray[np.float64], rows: int, places: int
) -> NDArray[np.float64]:
    """Expected Jaccard index [n, m] of column sets of `first` [n] and `second` [m] columns that have nothing in common.

    Codes are uniform over the C(rows, places) 2^places sets of places with signs: the overlap of two random sets.
    """
    codes = math.comb(rows, places) * 2.0**places
    kept_first = codes * -np.expm1(-first / codes)  # different codes among so many draws
    kept_second = codes * -np.expm1(-second / codes)
    shared = np.outer(kept_first, kept_second) / codes
    return shared / (kept_first[:, None] + kept_second[None, :] - shared)
