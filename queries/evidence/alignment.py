"""Every block of a query against every block of a candidate, for each kind of evidence that their shapes allow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...ingest.fingerprint.minhash import PERMUTATIONS, PLACES
from ...ingest.names.naming import ADAPTER
from ..data.component import Component
from ..statistics.null import FEW_BLOCKS, FEW_PAIRS, calibrated, fisher_z, jaccard_of_strangers, spread
from ..statistics.pvalues import binomial_tail, bonferroni, cauchy, fisher, log_sf

Matrix = NDArray[np.float64]
_TWICE = math.log(2)
_AT_ONCE = 1 << 22
"""Values that are compared at once: 4 MB of truth values."""


@dataclass(frozen=True)
class Scores:
    """Tensors of one key: `query` [n] and `candidate` [m] tensors, `similarity` [n, m].

    `score` [n, m] is what significance follows from: the calibrated z of correlations, NaN where two tensors cannot be
    compared; of column sets, with `counted`, the matches that are expected of strangers.
    """

    query: NDArray[np.int64]
    candidate: NDArray[np.int64]
    similarity: Matrix
    score: Matrix
    counted: bool = False

    def log_p(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Log p of some pairs [k] of a query's and a candidate's tensor: of all n x m only few are asked for."""
        score = self.score[rows, columns]
        if not self.counted:
            return np.where(np.isfinite(score), log_sf(np.where(np.isfinite(score), score, 0.0)), 0.0)
        equal = np.rint(self.similarity[rows, columns] * PERMUTATIONS).astype(np.int64)
        return binomial_tail(equal, np.full_like(equal, PERMUTATIONS), score / PERMUTATIONS)


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


def align(pairing: Pairing, kind: str) -> Alignment | None:
    """The alignment by one kind of evidence, None where the two components have none of it to compare."""
    match kind:
        case "minhash":
            return _column_sets(pairing)
        case "gram":
            return _either_sign(_correlations(pairing, "gram"), pairing)
        case _:
            return _correlations(pairing, kind)


def _either_sign(signed: Alignment | None, pairing: Pairing) -> Alignment | None:
    """The better of two alignments: by cosines, and by their magnitudes, which also survive flipped signs of rows.

    Two were tried, so every p-value counts twice.
    """
    unsigned = _correlations(pairing, "gram", unsigned=True)
    if signed is None or unsigned is None:
        return None
    better = min(signed, unsigned, key=lambda a: a.log_p)
    return replace(
        better,
        kind="gram",
        log_p=min(better.log_p + _TWICE, 0.0),
        unit_log_p=np.minimum(better.unit_log_p + _TWICE, 0.0),
    )


def _shared(pairing: Pairing, kind: str) -> list[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
    """Keys that both have evidence of, with the rows of the evidence on each side.

    An `other` matrix outside the layers has no null at all (strangers may hold the same constant), so it is left out.
    """
    first, second = pairing.query.rows_by_key(kind), pairing.candidate.rows_by_key(kind)
    both = sorted(set(first) & set(second))
    return [(k, first[k], second[k]) for k in both if not outside_only(k)]


def outside_only(key: str) -> bool:
    """Whether a key is that of an unknown matrix outside the layers."""
    return key.startswith(("other", "conv")) and "@" in key


def _correlations(pairing: Pairing, kind: str, *, unsigned: bool = False) -> Alignment | None:
    """Correlations of vectors, as z, calibrated role by role and summed over the roles of a block."""
    query, candidate = pairing.query, pairing.candidate
    total = np.zeros((len(pairing.query_units), len(pairing.candidate_units)))
    count = np.zeros_like(total)
    scores = []
    for key, rows, columns in _shared(pairing, kind):
        first, second = query.evidence(kind).tensor[rows], candidate.evidence(kind).tensor[columns]
        mine, theirs = (c.vectors_of(kind, key, unsigned=unsigned) for c in (query, candidate))
        r = (mine @ theirs.T).astype(np.float64)
        if kind == "positions":
            comparable = (query.inputs[first][:, None] == candidate.inputs[second][None, :]) & (
                query.sampled[first][:, None] == candidate.sampled[second][None, :]
            )
            values = np.minimum(query.independent(rows)[:, None], candidate.independent(columns)[None, :])
            z = np.where(comparable, fisher_z(r, values), np.nan)
            if query.kind == ADAPTER:  # levelled factors say whether, the factors themselves how much
                r = (query.standardised[rows] @ candidate.standardised[columns].T).astype(np.float64)
        else:
            z = fisher_z(r, mine.shape[1])
        finite = np.isfinite(z)
        if not finite.any():
            continue
        z = calibrated(z, symmetric=kind == "positions")
        place = np.ix_(pairing.query_unit[first], pairing.candidate_unit[second])
        total[place] += z if finite.all() else np.where(finite, z, 0.0)
        count[place] += finite
        scores.append(Scores(first, second, r, z))
    some = count > 0
    if not some.any():
        return None
    combined = np.where(some, total / np.sqrt(np.maximum(count, 1)), np.nan)
    if some.sum() >= FEW_PAIRS and min(some.any(axis=1).sum(), some.any(axis=0).sum()) >= FEW_BLOCKS:
        combined = combined / max(1.0, spread(combined, symmetric=kind == "positions"))
    return _best(kind, np.where(some, combined, -np.inf), some, log_sf, scores)


def _column_sets(pairing: Pairing) -> Alignment | None:
    """Matching MinHash values, counted over the roles of a block; strangers match at a rate that is measured."""
    query, candidate = pairing.query, pairing.candidate
    shape = (len(pairing.query_units), len(pairing.candidate_units))
    matches, trials, expected = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape)
    scores = []
    for _, rows, columns in _shared(pairing, "minhash"):
        first, second = query.minhash.tensor[rows], candidate.minhash.tensor[columns]
        equal = _matches(query.column_sets[rows], candidate.column_sets[columns])
        rate = _null_rate(equal, query.inputs[first], candidate.inputs[second])
        place = np.ix_(pairing.query_unit[first], pairing.candidate_unit[second])
        matches[place] += equal
        trials[place] += PERMUTATIONS
        expected[place] += rate
        scores.append(Scores(first, second, equal / PERMUTATIONS, rate, counted=True))
    comparable = trials > 0
    if not comparable.any():
        return None
    log_p = np.where(comparable, binomial_tail(matches, trials, expected / np.maximum(trials, 1)), 0.0)
    return _best("minhash", np.where(comparable, -log_p, -np.inf), comparable, np.negative, scores)


def _matches(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Equal places of two sets of MinHashes: [n, 64], [m, 64] -> [n, m]."""
    found = np.empty((len(first), len(second)), np.int64)
    step = max(1, _AT_ONCE // max(1, second.size))
    for start in range(0, len(first), step):
        equal = first[start : start + step, None, :] == second[None, :, :]
        found[start : start + step] = np.bitwise_count(equal.view(np.uint64)).sum(axis=2)  # eight places a word
    return found


def _null_rate(equal: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]) -> Matrix:
    """Expected matches of strangers [n, m]: what theory says of random column sets, or more where the pairs show it.

    Most pairs are mismatched; those that belong together are cut to what a stranger may have, so that they hardly
    count. One match more than was seen, because a rate that never showed in n x m pairs need not be 0.
    """
    theory = PERMUTATIONS * jaccard_of_strangers(first.astype(np.float64), second.astype(np.float64), 16, PLACES)
    most = 2 + 3 * np.median(equal)
    return np.maximum(theory, (np.minimum(equal, most).sum() + 1) / equal.size)


def _best(
    kind: str,
    score: Matrix,
    comparable: NDArray[np.bool_],
    log_p: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    scores: list[Scores],
) -> Alignment:
    """Each unit's best counterpart by `score`, -inf where none is comparable; `log_p` makes log p of scores."""
    tried = comparable.sum(axis=1)
    best = np.where(tried > 0, score.argmax(axis=1), -1)
    chosen = log_p(score[np.arange(len(best)), np.maximum(best, 0)])
    unit_log_p = np.where(tried > 0, bonferroni(chosen, np.maximum(tried, 1).astype(np.float64)), 0.0)
    used = unit_log_p[tried > 0]
    combined = fisher(used) if kind == "positions" else cauchy(used)
    return Alignment(kind, combined, best, unit_log_p, tried, tuple(scores))
