"""Every block of a query against every block of a candidate: what the kinds of evidence have in common.

A kind scores pairs of tensors of one key; `alignment_of` turns the scores of blocks into each block's best counterpart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ingest.fingerprint.minhash import PERMUTATIONS
from ..data.component import Component
from ..statistics.pvalues import clustered_tail, log_sf, sidak

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Tensors of one key: `query` [n] and `candidate` [m] tensors, `similarity` [n, m].

    `score` [n, m] is what significance follows from: the calibrated z of correlations, NaN where two tensors cannot be
    compared; of column sets the matches that are expected of unrelated models, which come in clusters of `cluster`.
    """

    query: NDArray[np.int64]
    candidate: NDArray[np.int64]
    similarity: Matrix
    score: Matrix
    cluster: Matrix | None = None

    def log_p(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Log p of some pairs [k] of a query's and a candidate's tensor: of all n x m only few are asked for."""
        score = self.score[rows, columns]
        if self.cluster is None:
            return np.where(np.isfinite(score), log_sf(np.where(np.isfinite(score), score, 0.0)), 0.0)
        equal = np.rint(self.similarity[rows, columns] * PERMUTATIONS).astype(np.int64)
        return clustered_tail(equal, score, self.cluster[rows, columns])


@dataclass(frozen=True)
class Alignment:
    """One kind of evidence between two components.

    `log_p` is the natural logarithm of the p-value of all blocks together. For every unit of the query, `best` is the
    candidate's unit that fits best (-1 where none can be compared), `unit_log_p` its p-value, corrected for the choice,
    and `tried` the number of units that could be compared.
    """

    kind: str
    log_p: float
    best: NDArray[np.int64]
    unit_log_p: NDArray[np.float64]
    tried: NDArray[np.int64]
    scores: tuple[Scores, ...]


@dataclass(frozen=True)
class Pairing:
    """The units of two components: `query_unit` and `candidate_unit` give the unit of every tensor."""

    query: Component
    candidate: Component
    query_units: list[tuple[int, int, str]]
    candidate_units: list[tuple[int, int, str]]
    query_unit: NDArray[np.int64]
    candidate_unit: NDArray[np.int64]


def pair(query: Component, candidate: Component) -> Pairing:
    """The units that two components are aligned by."""
    split = query.has_experts or candidate.has_experts
    query_units, query_unit = query.units(split)
    candidate_units, candidate_unit = candidate.units(split)
    return Pairing(query, candidate, query_units, candidate_units, query_unit, candidate_unit)


def shared_keys(pairing: Pairing, kind: str) -> list[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
    """Keys that both have evidence of, with the rows of the evidence on each side.

    An `other` matrix outside the layers has no null at all (unrelated models may hold the same constant), so it is left
    out.
    """
    first, second = pairing.query.rows_by_key(kind), pairing.candidate.rows_by_key(kind)
    both = sorted(set(first) & set(second))
    return [(k, first[k], second[k]) for k in both if not outside_only(k)]


def outside_only(key: str) -> bool:
    """Whether a key is that of an unknown matrix outside the layers."""
    return key.startswith(("other", "conv")) and "@" in key


def alignment_of(
    kind: str,
    score: Matrix,
    comparable: NDArray[np.bool_],
    log_p: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    scores: list[Scores],
    combine: Callable[[NDArray[np.float64]], float],
) -> Alignment:
    """Each unit's best counterpart by `score` [query units, candidate units], -inf where none is comparable.

    `log_p` makes log p of scores, `combine` one log p of those of all blocks.
    """
    tried = comparable.sum(axis=1)
    best = np.where(tried > 0, score.argmax(axis=1), -1)
    chosen = log_p(score[np.arange(len(best)), np.maximum(best, 0)])
    unit_log_p = np.where(tried > 0, sidak(chosen, np.maximum(tried, 1).astype(np.float64)), 0.0)
    used = unit_log_p[tried > 0]
    return Alignment(kind, combine(used), best, unit_log_p, tried, tuple(scores))
