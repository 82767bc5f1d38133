"""Tails of distributions and their combination, as natural logarithms: nothing underflows.

All p-values here are log p <= 0, arrays unless said otherwise.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, lambertw, log_ndtr

from ..thresholds.significance import KIND_TESTS, LARGEST_P, MIDDLE_P, TAIL_P

LOG10 = math.log(10.0)
_SMALL = math.log(1e-8)
_ROUNDED = 1e-9
"""Below this 1 - (the first terms of a distribution) is more rounding than tail."""
EXACT_COUNTS = 8
"""Tails of clustered counts are exact up to here. It decides no more than which of two valid p-values is printed."""
_TINY = math.log(1e-12)  # below it Sidak and Bonferroni are one to ten digits


def log_sf(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Upper tail of the standard normal."""
    return np.asarray(log_ndtr(-np.asarray(z, np.float64)))


def _log_sum(terms: NDArray[np.float64]) -> float:
    """log(sum(exp(terms))), from logarithms: scipy's logsumexp to the same bits, which is slow for small arrays."""
    largest = terms.max(initial=-np.inf)
    if not np.isfinite(largest):
        return float(largest)
    at = terms == largest
    times = np.float64(np.count_nonzero(at))
    rest = np.exp(np.where(at, -np.inf, terms - largest)).sum() / times
    return float(np.log1p(rest) + np.log(times) + largest)


def bonferroni(log_p: NDArray[np.float64], tried: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """The smallest of `tried` p-values, corrected for the choice."""
    return np.minimum(log_p + np.log(tried), 0.0)


def sidak(log_p: NDArray[np.float64], tried: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smallest of `tried` independent p-values, corrected for the choice: log(1 - (1 - p)^tried).

    The same as `bonferroni` where p is small, and uniform everywhere else, where tried x p is 1 too often: of m
    candidates that are all unrelated, m x p is 1 or more for 37 %, and a combination of such p-values waits for what
    the 37 % owe it. Source: Sidak, JASA 62, 1967, which also bounds the correlated normal case.
    """
    with np.errstate(divide="ignore"):
        left = tried * np.log1p(-np.exp(np.minimum(log_p, 0.0)))  # log of the chance that none is as small
        exact = np.log(-np.expm1(left))
    return np.where(log_p < _TINY, np.minimum(log_p + np.log(tried), 0.0), exact)


def smallest_of_kinds(log10_p: float, kinds: int, comparable: int | None) -> float:
    """Log10 of the p-value that the smallest of several kinds' p-values has, for the choice; at most 0.

    Below TAIL_P every one of `kinds` counts as a test of its own (Bonferroni), which is a bound. From MIDDLE_P on each
    of the `comparable` ones counts as KIND_TESTS of a test, as was measured: 1 - (1 - p)^n of n tests (Sidak). Between
    the two n runs from one to the other, straight over the logarithms. `comparable` None: it was not measured there.
    """
    tail, middle = math.log10(TAIL_P), math.log10(MIDDLE_P)
    if comparable is None or log10_p <= tail:
        return min(0.0, log10_p + math.log10(kinds))
    p, part = 10.0**log10_p, min(1.0, (log10_p - tail) / (middle - tail))
    if p >= 1:
        return 0.0
    tests = kinds ** (1 - part) * (KIND_TESTS * comparable) ** part
    return max(tail + math.log10(kinds), math.log10(-math.expm1(tests * math.log1p(-p))))


def fisher(log_p: NDArray[np.float64]) -> float:
    """Fisher's combination of k independent p-values [k]; 0 for none.

    The chi-square tail of 2k degrees of freedom is a finite sum: exp(-h) sum_{i<k} h^i / i!, with h = -sum log p.
    Source: Fisher, Statistical Methods for Research Workers, 4th ed., 1932, section 21.1.
    """
    k = len(log_p)
    half = -float(np.sum(log_p))
    if k == 0 or half <= 0:
        return 0.0
    i = np.arange(k)
    return min(0.0, _log_sum(i * math.log(half) - gammaln(i + 1)) - half)


def cauchy(log_p: NDArray[np.float64]) -> float:
    """The Cauchy combination of k p-values [k] that may depend on each other; 0 for none.

    T = mean tan((0.5 - p) pi), p = 0.5 - atan(T) / pi; for small p, tan((0.5 - p) pi) = 1 / (p pi).
    Source: Liu and Xie, "Cauchy combination test", JASA 115, 2020.
    """
    if len(log_p) == 0:
        return 0.0
    small = log_p < _SMALL
    log_large = _log_sum(-log_p[small] - math.log(math.pi)) if small.any() else -math.inf
    rest = float(np.sum(np.tan((0.5 - np.minimum(np.exp(log_p[~small]), LARGEST_P)) * math.pi)))
    if log_large > math.log(1e12):  # the rest cannot matter
        return min(0.0, math.log(len(log_p)) - log_large - math.log(math.pi))
    total = (math.exp(log_large) + rest) / len(log_p)
    return math.log(0.5 - math.atan(total) / math.pi) if total < 1e6 else -math.log(math.pi * total)


def clustered_tail(
    counts: NDArray[np.int64], expected: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    """P(X >= counts) for events that come in clusters, element by element; 0 where counts is 0.

    Clusters are Poisson in number, and so is each in size, with mean `size`: X has mean `expected` (Neyman's type A
    distribution). Up to EXACT_COUNTS from the first terms, beyond that Chernoff's bound, which is never too small:
    with s = W(k e^size / clusters) / size, log P(X >= k) <= k / (size s) - clusters - k log s, W Lambert's function.
    Source: Neyman, Annals of Mathematical Statistics 10, 1939; Chernoff, the same 23, 1952.
    """
    counts, expected, size = np.broadcast_arrays(counts, expected, size)
    if not counts.size:
        return np.zeros(counts.shape)
    means, mean = np.unique(expected.ravel(), return_inverse=True)
    sizes, kind = np.unique(size.ravel(), return_inverse=True)
    shape = (len(means), len(sizes), int(counts.max()) + 1)
    cases, inverse = np.unique(np.ravel_multi_index((mean, kind, counts.ravel()), shape), return_inverse=True)
    mean, kind, k = np.unravel_index(cases, shape)
    return _clustered_tail(k.astype(np.float64), means[mean], sizes[kind])[inverse].reshape(counts.shape)


def _clustered_tail(
    k: NDArray[np.float64], expected: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    """As `clustered_tail`, for cases [n]."""
    size = np.maximum(size, 1e-6)
    expected = np.maximum(expected, 1e-12)
    clusters = expected / size
    terms = [np.exp(clusters * np.expm1(-size))]  # P(X = 0), P(X = 1), ...
    for n in range(EXACT_COUNTS - 1):
        parts = [size**j / math.factorial(j) * terms[n - j] for j in range(n + 1)]
        terms.append(expected * np.exp(-size) / (n + 1) * np.sum(parts, axis=0))
    above = 1 - np.cumsum(terms, axis=0)  # P(X >= 1), P(X >= 2), ...
    last = np.where(k > 0, above[np.clip(k.astype(int), 1, EXACT_COUNTS) - 1, np.arange(len(k))], 1.0)
    exact = np.log(np.maximum(last, _ROUNDED))
    s = lambertw(np.maximum(k, 1) * np.exp(size) / clusters).real / size
    bound = np.where(s > 1, k / (size * s) - clusters - k * np.log(s), 0.0)
    return np.where((k <= EXACT_COUNTS) & (last > _ROUNDED), exact, np.minimum(bound, exact))
