"""Do the neurons of two feed-forward layers belong together? Matched twice by assignment, tested by rank.

The robust test of Zhu et al., "Independence tests for language models" (arXiv 2502.12292; MATCH, SPEARMAN, FISHER):
the neurons of one model are matched to those of the other by the cosines of their gate rows, and once more by their up
rows, each with a linear assignment. Where the models are independent the two matchings have nothing to do with each
other; where they are related both find the same partner, in whatever order the neurons were put. The evidence is
Spearman's correlation of the two matchings.

What is kept of it, and what differs:
- The weights themselves are matched, over chosen dimensions of the residual stream, not activations on a text.
- At most MATCHED_NEURONS neurons of the narrower layer are matched, against all of the other. Which ones, and which
  dimensions, never depends on the weights of these layers, so the null is the same: a fixed choice of neurons of a
  model whose neurons have no order of their own.
- The other model's neurons are numbered anew at random first. Under the null the ranks of the second matching are then
  a random order whatever order either model keeps, and Spearman's distribution is exact as far as no two matchings
  coincide. `agreement` says how many do; unrelated models that share structure agree by more than chance, by a per cent
  or so at most, and the authors give the same caveat: the p-value is not exact for models that share structure. That is
  why the report has the same test between mismatched layers beside it.
- One-sided: only a positive correlation is evidence.
- Layers combine by Fisher, as in the paper; it assumes that the layers of independent models are independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.special import gammaln
from scipy.stats import rankdata, t

from ..thresholds.comparison import FEWEST_NEURONS, MATCHED_NEURONS

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Neurons:
    """Two views of one layer's neurons over the same dimensions.

    Gate and up rows [neurons, n], or up rows and down
    columns where there is no gate.
    """

    first: Rows
    second: Rows


@dataclass(frozen=True, slots=True)
class NeuronMatch:
    """The two matchings of one pair of layers.

    Spearman's correlation, its one-sided natural log p, and the share of
    the matched neurons that both send to the same partner.
    """

    neurons: int
    correlation: float
    agreement: float
    log_p: float


def match_neurons(first: Neurons, second: Neurons) -> NeuronMatch | None:
    """The test of one pair of layers; None for less than sixteen neurons or different numbers of dimensions."""
    if len(first.first) > len(second.first):
        first, second = second, first
    count = len(first.first)
    if count < FEWEST_NEURONS or first.first.shape[1] != second.first.shape[1]:
        return None
    random = np.random.default_rng([11, count])
    chosen = random.permutation(count)[:MATCHED_NEURONS]
    renumbered = random.permutation(len(second.first))
    a = renumbered[matching(first.first[chosen], second.first)]
    b = renumbered[matching(first.second[chosen], second.second)]
    correlation = spearman(a, b)
    return NeuronMatch(len(chosen), correlation, float((a == b).mean()), log_p_of(correlation, len(chosen)))


def matching(first: Rows, second: Rows) -> NDArray[np.int64]:
    """The partner [n] of every row [n, k] among rows [m, k], m >= n, each used once: the largest sum of cosines."""
    cosines = _scaled(first) @ _scaled(second).T
    return np.asarray(linear_sum_assignment(cosines, maximize=True)[1], np.int64)


def spearman(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Spearman's rank correlation of two vectors without ties in themselves."""
    x, y = rankdata(a), rankdata(b)
    return float(np.corrcoef(x, y)[0, 1])


def log_p_of(correlation: float, count: int) -> float:
    """Natural log of P(at least `correlation`) for two independent orders of `count`.

    Student's t with n - 2 degrees of
    freedom, never below 1 / n!, the chance of the very same order.
    """
    floor = -float(gammaln(count + 1))
    left = 1 - correlation * correlation
    if left <= 0:
        return floor if correlation > 0 else 0.0
    return max(floor, float(t.logsf(correlation * math.sqrt((count - 2) / left), count - 2)))


def _scaled(rows: Rows) -> Rows:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), np.float32)
