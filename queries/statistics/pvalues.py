"""Tails of distributions and their combination, as natural logarithms: nothing underflows.

All p-values here are log p <= 0, arrays unless said otherwise.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, log_ndtr

from ..thresholds.significance import LARGEST_P

LOG10 = math.log(10.0)
_SMALL = math.log(1e-8)
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


def binomial_tail(
    counts: NDArray[np.int64], trials: NDArray[np.int64], rate: NDArray[np.float64]
) -> NDArray[np.float64]:
    """P(X >= counts) for X ~ Binomial(trials, rate), element by element; 0 where counts is 0.

    Exact: the logarithm of the sum of the terms of the tail.
    """
    counts, trials, rate = np.broadcast_arrays(counts, trials, rate)
    if not counts.size:
        return np.zeros(counts.shape)
    rates, which = np.unique(rate.ravel(), return_inverse=True)
    sizes = (len(rates), int(trials.max()) + 1, int(counts.max()) + 1)
    codes = np.ravel_multi_index((which.ravel(), trials.ravel(), counts.ravel()), sizes)
    cases, inverse = np.unique(codes, return_inverse=True)
    columns = (column.tolist() for column in np.unravel_index(cases, sizes))
    tails = np.array([_binomial_tail(c, n, float(rates[i])) for i, n, c in zip(*columns, strict=True)])
    return tails[inverse.ravel()].reshape(counts.shape)


@lru_cache(maxsize=1 << 14)
def _binomial_tail(count: int, trials: int, rate: float) -> float:
    if count <= 0:
        return 0.0
    rate = min(max(rate, 1e-12), 1 - 1e-12)
    k = np.arange(count, trials + 1)
    terms = gammaln(trials + 1) - gammaln(k + 1) - gammaln(trials - k + 1) + k * math.log(rate)
    return min(0.0, _log_sum(terms + (trials - k) * math.log1p(-rate)))
