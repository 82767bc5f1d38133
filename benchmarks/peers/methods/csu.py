"""CSU: whether the rows of two up projections match in their own order.

Zhu et al. 2025, arXiv 2502.12292: the rows of two models are assigned to each other by cosine similarity, and
Spearman's correlation of the assignment with the identity has a p-value; Fisher combines layers. The score is -log10
p. Layers are matched by number, as in the paper's constrained setting; a model without gated feed-forward uses its
first matrix.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from ..weights import Matrix, Weights
from . import Method

Rows = list[NDArray[np.float32] | None]


def unit_rows(weights: Weights) -> Rows:
    """The up projection of every layer, rows scaled to length 1."""
    return [None if m is None else _unit(m) for m in weights.stack("up")]


def _unit(matrix: Matrix) -> Matrix:
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.maximum(lengths, 1e-12), np.float32)


def evidence(first: Rows, second: Rows) -> float:
    """-log10 of the combined p-value; nan when no layer of one has as many inputs as that of the other."""
    logs = []
    for mine, theirs in zip(first, second, strict=False):
        if mine is not None and theirs is not None and mine.shape[1] == theirs.shape[1]:
            logs.append(log_p(mine, theirs))
    return -combined(logs) / math.log(10) if logs else math.nan


def log_p(first: Matrix, second: Matrix) -> float:
    """Natural log of the two-sided p-value of Spearman's correlation between assigned rows."""
    rows, columns = optimize.linear_sum_assignment(first @ second.T, maximize=True)
    r = float(np.corrcoef(stats.rankdata(rows), stats.rankdata(columns))[0, 1])
    n = len(rows)
    t = abs(r) * math.sqrt((n - 2) / max(1e-300, 1 - r * r))
    return min(0.0, math.log(2) + log_t_tail(t, n - 2))


def log_t_tail(t: float, freedom: int) -> float:
    """Log P(T >= t); where it underflows, the leading term of Student's tail, c t^-freedom."""
    exact = float(stats.t.logsf(t, freedom))
    if math.isfinite(exact):
        return exact
    constant = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(freedom * math.pi)
    return constant + (freedom + 1) / 2 * math.log(freedom) - math.log(freedom) - freedom * math.log(t)


def combined(logs: list[float]) -> float:
    """Natural log of Fisher's combined p-value; where it underflows, the leading term of the tail of chi squared."""
    total = -sum(logs)  # half of chi squared with 2n degrees of freedom
    exact = float(stats.gamma.logsf(total, len(logs)))
    return exact if math.isfinite(exact) else (len(logs) - 1) * math.log(total) - total - math.lgamma(len(logs))


METHOD = Method("CSU", "arXiv 2502.12292", frozenset({"up"}), unit_rows, evidence)
