"""How well scores tell positives from negatives, and where they rank the parent."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Scores = NDArray[np.float64]


def comparable(scores: Scores) -> Scores:
    """Scores with "cannot compare" (nan) below everything else: no evidence is the weakest answer."""
    return np.where(np.isnan(scores), -np.inf, scores)


def auc(positives: Scores, negatives: Scores) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counted half; nan if empty.

    By ranks (Mann and Whitney 1947).
    """
    if not len(positives) or not len(negatives):
        return math.nan
    ranks = stats.rankdata(np.concatenate([comparable(positives), comparable(negatives)]))
    above = ranks[: len(positives)].sum() - len(positives) * (len(positives) + 1) / 2
    return float(above / (len(positives) * len(negatives)))


def rate_without_false_positives(positives: Scores, negatives: Scores) -> float:
    """Share of positives that score above every negative; nan without positives."""
    if not len(positives):
        return math.nan
    highest = comparable(negatives).max() if len(negatives) else -np.inf
    return float(np.mean(comparable(positives) > highest))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a query's parents stand: the best rank of one, ties sharing the better rank, and how many share rank 1."""

    best: float
    every: float
    tie: int


def place(scores: Mapping[str, float], parents: Collection[str]) -> Place:
    """The place of the parents among candidates by falling score; infinite for a parent without a score."""
    values = comparable(np.array(list(scores.values())))
    finite = values[np.isfinite(values)]
    tie = int(np.sum(finite == finite.max())) if len(finite) else 0
    ranks = [rank_of(scores.get(parent, math.nan), finite) for parent in parents]
    return Place(min(ranks, default=math.inf), max(ranks, default=math.inf), tie)


def rank_of(score: float, finite: Scores) -> float:
    """1 + how many score higher; infinite when there is no score."""
    return math.inf if not math.isfinite(score) else 1.0 + float(np.sum(finite > score))


def shares_at_most(log10_p: Scores, thresholds: Sequence[float]) -> list[float]:
    """Share of p-values, given as log10, that are at most each threshold."""
    return [float(np.mean(log10_p <= math.log10(t))) for t in thresholds]
