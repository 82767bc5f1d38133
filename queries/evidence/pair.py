"""The evidence between a query and one candidate: significance, and what every tensor of the query matched."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ..data.component import Component
from ..statistics.null import FIXED_SPREAD, fisher_z
from ..statistics.pvalues import LOG10, bonferroni, fisher, log_sf
from .alignment import Alignment, Pairing, Scores, align, outside_only, pair
from .gains import Gains, compare_gains
from .tokens import TokenMatch, match_tokens

SIGNIFICANT_LOG10_E = -3.0
"""E <= 1e-3: one false ancestor in a thousand queries of strangers."""
_TENSOR_LOG_P = math.log(0.01)
STRANGER = 2.0
"""Relative squared difference of two unrelated vectors of one length: |x - y|^2 = |x|^2 + |y|^2."""
KINDS = ("positions", "gram", "minhash")


@dataclass(frozen=True)
class Match:
    """What every tensor of the query found in one candidate; arrays over the query's tensors.

    `kind` is -1 for no match, else an index into KINDS; `tensor` the candidate's tensor; `similarity` a correlation;
    `difference` the relative squared difference, 2 where nothing matched. `weight` sums to 1 over what can match.
    """

    kind: NDArray[np.int64]
    tensor: NDArray[np.int64]
    similarity: NDArray[np.float64]
    difference: NDArray[np.float64]
    weight: NDArray[np.float64]

    @property
    def coverage(self) -> float:
        """Share of the query's parameters whose tensors have a match."""
        return float(self.weight[self.kind >= 0].sum())

    @property
    def identity(self) -> float:
        """Correlation of matched weights, weighted by size; 0 without any."""
        found = self.kind >= 0
        total = self.weight[found].sum()
        return min(1.0, float((self.weight[found] * self.similarity[found]).sum() / total)) if total > 0 else 0.0

    @property
    def distance(self) -> float:
        """Relative RMS difference, unmatched tensors as strangers: 0 for a copy, sqrt(2) for a stranger."""
        return float(np.sqrt((self.weight * self.difference).sum()))

    def share(self, kind: str) -> float:
        """Share of the query's parameters matched by one kind of evidence."""
        return float(self.weight[self.kind == KINDS.index(kind)].sum())


@dataclass(frozen=True)
class PairEvidence:
    """Everything that speaks for or against a relation of two components; p-values are log10.

    `correction`, added to the log10 p of a kind, makes it an E-value: for the kinds tried and the models there are.
    """

    pairing: Pairing
    alignments: tuple[Alignment, ...]
    tokens: tuple[TokenMatch, ...]
    log10_p: dict[str, float]
    log10_evalue: float
    correction: float
    match: Match
    gains: Gains

    @property
    def significant(self) -> bool:
        """Whether so much likeness is not to be expected among strangers in a registry of this size."""
        return self.log10_evalue <= SIGNIFICANT_LOG10_E

    @property
    def kind(self) -> str | None:
        """The kind of evidence that says most."""
        return min(self.log10_p, key=lambda k: self.log10_p[k]) if self.log10_p else None

    def alignment(self, kind: str) -> Alignment | None:
        """The alignment by one kind."""
        return next((a for a in self.alignments if a.kind == kind), None)

    @cached_property
    def block_map(self) -> NDArray[np.int64]:
        """The candidate's unit of every query unit, by the kind that says most there; -1 where none is significant."""
        best = np.full(len(self.pairing.query_units), -1, np.int64)
        for found in reversed(self.alignments):
            if self.log10_p[found.kind] + self.correction <= SIGNIFICANT_LOG10_E:
                sure = found.unit_log_p <= _TENSOR_LOG_P
                best[sure] = found.best[sure]
        return best


def compare(query: Component, candidate: Component, models: int, *, thorough: bool = True) -> PairEvidence:
    """The evidence between two components, for a registry of `models` models.

    Unless `thorough`, the kinds that hold in another basis are left out where positions already match every tensor of
    the query: nothing about the answer depends on them then.
    """
    pairing = pair(query, candidate)
    tokens = match_tokens(query, candidate)
    found = {"positions": align(pairing, "positions")}
    evidence = _weighed(pairing, found, tokens, models)
    if thorough or not evidence.significant or (evidence.match.kind[query.evidenced] < 0).any():
        found |= {kind: align(pairing, kind) for kind in KINDS[1:]}
        evidence = _weighed(pairing, found, tokens, models)
    return replace(evidence, gains=compare_gains(pairing, evidence.block_map)) if evidence.significant else evidence


def _weighed(
    pairing: Pairing, found: Mapping[str, Alignment | None], tokens: list[TokenMatch], models: int
) -> PairEvidence:
    """The p-value of each kind, and the E-value of the best, corrected for all kinds and all models."""
    alignments = [a for a in found.values() if a is not None]
    log10_p = {a.kind: a.log_p / LOG10 for a in alignments}
    if tokens:
        blocks = found["positions"]
        used = blocks.unit_log_p[blocks.tried > 0] if blocks else np.empty(0)
        log10_p["positions"] = fisher(np.append(used, _of_tokens(tokens))) / LOG10
    correction = math.log10(len(KINDS)) + math.log10(max(1, models))
    evalue = min(min(log10_p.values(), default=0.0) + correction, math.log10(max(1, models)))
    trusted = {kind for kind, p in log10_p.items() if p + correction <= SIGNIFICANT_LOG10_E}
    match = _matches(pairing, [a for a in alignments if a.kind in trusted], tokens if "positions" in trusted else [])
    nothing = Gains(float("nan"), 0, False)
    return PairEvidence(pairing, tuple(alignments), tuple(tokens), log10_p, evalue, correction, match, nothing)


def _of_tokens(tokens: list[TokenMatch]) -> float:
    """Log p of the rows of tokens: the better of embedding and head, corrected for the choice.

    A head may be the embedding, or the embedding times a gain, on either side: two draws of one luck, not two.
    """
    return float(bonferroni(np.array(min(t.log_p for t in tokens)), float(len(tokens))))


def _matches(pairing: Pairing, alignments: list[Alignment], tokens: list[TokenMatch]) -> Match:
    query = pairing.query
    count = len(query.names)
    weight = np.where(query.evidenced, query.represents, 0.0)
    total = weight.sum()
    match = Match(
        kind=np.full(count, -1, np.int64),
        tensor=np.full(count, -1, np.int64),
        similarity=np.zeros(count),
        difference=np.full(count, STRANGER),
        weight=weight / total if total > 0 else weight,
    )
    for alignment in alignments:
        for scores in alignment.scores:
            _match_key(pairing, alignment, scores, match)
    for one in tokens:
        if one.log_p <= _TENSOR_LOG_P:
            match.kind[one.query], match.tensor[one.query] = 0, one.candidate
            match.similarity[one.query], match.difference[one.query] = one.similarity, min(one.difference, STRANGER)
    if alignments:
        _match_outside(pairing, match)
    return match


def _match_key(pairing: Pairing, alignment: Alignment, scores: Scores, match: Match) -> None:
    """Fill in tensors of one key that have no match yet and whose counterpart in the aligned block is significant."""
    unit = pairing.query_unit[scores.query]
    of_candidate = np.full(len(pairing.candidate_units) + 1, -1, np.int64)  # the last, for no unit, stays -1
    of_candidate[pairing.candidate_unit[scores.candidate]] = np.arange(len(scores.candidate))
    column = of_candidate[alignment.best[unit]]
    rows = np.arange(len(unit))
    log_p = bonferroni(scores.log_p(rows, column), alignment.tried[unit].clip(1).astype(np.float64))
    new = (column >= 0) & (log_p <= _TENSOR_LOG_P) & (match.kind[scores.query] < 0)
    mine, theirs = scores.query[new], scores.candidate[column[new]]
    _fill(pairing, match, alignment.kind, mine, theirs, scores.similarity[rows, column][new])


def _match_outside(pairing: Pairing, match: Match) -> None:
    """Unknown matrices outside the layers that correlate.

    They have no null (strangers may hold the same constant), so they count for coverage, never for significance.
    """
    query, candidate = pairing.query, pairing.candidate
    first, second = query.rows_by_key("positions"), candidate.rows_by_key("positions")
    for key in sorted(set(first) & set(second)):
        if not outside_only(key):
            continue
        mine, theirs = query.positions.tensor[first[key][:1]], candidate.positions.tensor[second[key][:1]]
        r = (
            (query.standardised[first[key][:1]] * candidate.standardised[second[key][:1]])
            .sum(axis=1)
            .astype(np.float64)
        )
        if log_sf(fisher_z(r, query.sampled[mine]) / FIXED_SPREAD)[0] <= _TENSOR_LOG_P:
            _fill(pairing, match, "positions", mine, theirs, r)


def _fill(
    pairing: Pairing,
    match: Match,
    kind: str,
    mine: NDArray[np.int64],
    theirs: NDArray[np.int64],
    found: NDArray[np.float64],
) -> None:
    """Matched tensors with their correlation and relative squared difference: measured for positions, else derived."""
    match.kind[mine], match.tensor[mine] = KINDS.index(kind), theirs
    if kind == "positions":
        match.similarity[mine] = found
        match.difference[mine] = np.minimum(_differences(pairing, mine, theirs), STRANGER)
    else:
        r = found if kind == "gram" else correlation_of_jaccard(found)
        match.similarity[mine], match.difference[mine] = r, STRANGER * (1 - r.clip(0, 1))


def _differences(pairing: Pairing, mine: NDArray[np.int64], theirs: NDArray[np.int64]) -> NDArray[np.float64]:
    """The `relative_difference` of raw positions of tensors [n] of the query and of the candidate."""
    first, second = pairing.query.positions, pairing.candidate.positions
    rows, others = np.searchsorted(first.tensor, mine), np.searchsorted(second.tensor, theirs)
    change = np.subtract(first.value[rows], second.value[others], dtype=np.float64)
    lengths = pairing.query.squared_lengths[rows], pairing.candidate.squared_lengths[others]
    return _relative(change, *lengths)


def relative_difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared difference of rows [n, width], relative to their mean squared length: 0 if equal, 2 for strangers."""
    return _relative(first - second, np.square(first).sum(axis=1), np.square(second).sum(axis=1))


def _relative(
    change: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Squares of changes [n, width], relative to the mean of the squared lengths [n] of what is compared."""
    squares = (first + second) / 2
    return np.asarray(np.square(change).sum(axis=1) / np.where(squares > 0, squares, 1))


def correlation_of_jaccard(jaccard: NDArray[np.float64]) -> NDArray[np.float64]:
    """The correlation of Gaussian weights whose column sets have that Jaccard index."""
    correlations, indices = _jaccard_curve()
    return np.interp(jaccard, indices, correlations)


@lru_cache(maxsize=1)
def _jaccard_curve() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Correlations, ascending, and the Jaccard index of the column sets of Gaussian matrices that correlate so.

    Simulated with a fixed seed: a code survives when its six largest of 16 and their signs stay, J = s / (2 - s).
    """
    from ...ingest.fingerprint.minhash import column_codes

    random = np.random.default_rng(20260101)
    first = random.standard_normal((16, 20_000)).astype(np.float32)
    noise = random.standard_normal((16, 20_000)).astype(np.float32)
    correlations = np.concatenate([[0.0, 0.3, 0.5, 0.6], 1 - np.geomspace(0.3, 1e-5, 24), [1.0]])
    codes = column_codes(first)
    survived = [
        np.mean(column_codes((r * first + math.sqrt(1 - r * r) * noise).astype(np.float32)) == codes)
        for r in correlations
    ]
    s = np.maximum.accumulate(np.array(survived))
    return correlations, s / (2 - s)
