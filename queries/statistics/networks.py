"""What unrelated networks look like: convolutions, recurrent cells and perceptrons, whose matrices have no layers.

There are few matrices of one shape, so that blocks which do not belong together are seldom enough to measure a null
from. The score of two matrices therefore carries its own: the sum of products over the root of the sum of their
squares. Nothing is assumed of unrelated weights but that their products are as often positive as negative.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ingest.fingerprint.positions import places
from ..thresholds.significance import MOST_ALIKE, SHARE_ALIKE
from .pvalues import fisher

LEADING_ROWS = 16


@dataclass(frozen=True, slots=True)
class Taps:
    """Of each of the values kept of a kernel, int64 [count]: its tap, and its slice (output row and input channel)."""

    tap: NDArray[np.int64]
    slice: NDArray[np.int64]


def taps_of(shape: tuple[int, ...], count: int) -> Taps | None:
    """Where the `count` values at the places of a kernel stand in it; None of a matrix, which has no taps."""
    taps = math.prod(shape[2:])
    if taps <= 1:
        return None
    at = places(min(LEADING_ROWS, shape[0]), math.prod(shape[1:]), count)[:count]
    return Taps(np.unique(at % taps, return_inverse=True)[1], np.unique(at // taps, return_inverse=True)[1])


def without_tap_means(values: NDArray[np.float32], taps: Taps | None) -> NDArray[np.float64]:
    """Standardised values [n, width] without each tap's mean, of length 1: in all networks the centre weighs most."""
    found = values.astype(np.float64)
    if taps is None:
        return found
    for tap in range(int(taps.tap.max(initial=-1)) + 1):
        some = np.flatnonzero(taps.tap == tap)
        found[:, some] -= found[:, some].mean(axis=1, keepdims=True)
    length = np.sqrt(np.square(found).sum(axis=1, keepdims=True))
    return np.asarray(found / np.where(length > 0, length, 1.0))


def signed_z(x: NDArray[np.float64], y: NDArray[np.float64], taps: Taps | None) -> NDArray[np.float64]:
    """Z [n, m] of centred values [n, width] and [m, width]: the sum of products over the root of their squares.

    The taps of one slice of a kernel are smooth or have one sign, in every trained network: with `taps` the products of
    a slice are added up first, and count as one draw. Whatever the sizes of the terms, for independent signs z exceeds
    t with a probability of exp(-t^2 / 2) at most (Efron, "Student's t-test under symmetry conditions", JASA 64, 1969).
    """
    total = x @ y.T
    if taps is None:
        squares = np.square(x) @ np.square(y).T
    else:
        squares = np.zeros_like(total)
        for one in range(int(taps.slice.max(initial=-1)) + 1):
            some = np.flatnonzero(taps.slice == one)
            squares += np.square(x[:, some] @ y[:, some].T)
    return np.asarray(total / np.sqrt(np.where(squares > 0, squares, 1.0)))


def log_bound(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """The bound -z^2 / 2 of log p of `signed_z`; 0 below 0."""
    return -np.square(np.maximum(z, 0.0)) / 2


def all_but_best(log_p: NDArray[np.float64]) -> float:
    """Log p that more than a few of k matrices are alike: Fisher's combination without the smallest p-values.

    The partial conjunction test of Benjamini and Heller, "Screening for partial conjunction hypotheses", Biometrics 64,
    2008: under any number of true relations up to the number left out, the rest is a null of its own. 0 of few.
    """
    left_out = max(MOST_ALIKE, math.ceil(SHARE_ALIKE * len(log_p)))
    return fisher(np.sort(log_p)[left_out:])
