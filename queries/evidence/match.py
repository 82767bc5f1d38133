"""What every tensor of a query matched in one candidate: by the aligned blocks, by tokens, and outside the layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..statistics.null import fisher_z
from ..statistics.pvalues import bonferroni, log_sf
from ..thresholds.significance import FIXED_SPREAD, TENSOR_LOG_P
from .alignment import Alignment, Pairing, Scores, outside_only
from .kinds import KINDS, kind_number
from .tokens import TokenMatch

UNRELATED = 2.0
"""Relative squared difference of two unrelated vectors of one length: |x - y|^2 = |x|^2 + |y|^2."""


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
    def matched(self) -> float:
        """Share of what can match, by size, that has a match. Of all parameters: `coverage.coverage`."""
        return float(self.weight[self.kind >= 0].sum())

    @property
    def identity(self) -> float:
        """Correlation of matched weights, weighted by size; 0 without any."""
        found = self.kind >= 0
        total = self.weight[found].sum()
        return min(1.0, float((self.weight[found] * self.similarity[found]).sum() / total)) if total > 0 else 0.0

    @property
    def distance(self) -> float:
        """Relative RMS difference: 0 for a copy, sqrt(2) for an unrelated model, which unmatched tensors count as."""
        return float(np.sqrt((self.weight * self.difference).sum()))

    def distance_of_best(self, share: float) -> float:
        """Relative RMS difference of the tensors that match best, up to a `share` of what can match."""
        order = np.argsort(self.difference, kind="stable")
        weight = np.diff(np.minimum(np.cumsum(self.weight[order]), share), prepend=0.0)
        total = float(weight.sum())
        return (
            float(np.sqrt((weight * self.difference[order]).sum() / total)) if total > 0 else float(np.sqrt(UNRELATED))
        )

    def share(self, kind: str) -> float:
        """Share of what can match that one kind of evidence matched."""
        return float(self.weight[self.kind == kind_number(kind)].sum())


def matches(pairing: Pairing, alignments: list[Alignment], tokens: list[TokenMatch]) -> Match:
    """What every tensor of the query matched, by the given alignments in their order and by rows of tokens."""
    query = pairing.query
    count = len(query.names)
    weight = np.where(query.scorable, query.represents, 0.0)
    total = weight.sum()
    match = Match(
        kind=np.full(count, -1, np.int64),
        tensor=np.full(count, -1, np.int64),
        similarity=np.zeros(count),
        difference=np.full(count, UNRELATED),
        weight=weight / total if total > 0 else weight,
    )
    for alignment in alignments:
        _match_aligned(pairing, alignment, match)
    for one in tokens:
        if one.log_p <= TENSOR_LOG_P:
            match.kind[one.query], match.tensor[one.query] = 0, one.candidate
            match.similarity[one.query], match.difference[one.query] = one.similarity, min(one.difference, UNRELATED)
    if alignments:
        _match_outside(pairing, match)
    return match


def _match_aligned(pairing: Pairing, alignment: Alignment, match: Match) -> None:
    """Fill in all tensors whose counterpart in the aligned block is significant; a tensor has one key."""
    found = [_matched_of_key(pairing, alignment, scores, match) for scores in alignment.scores]
    if found:
        mine, theirs, similarity = (np.concatenate(parts) for parts in zip(*found, strict=True))
        _fill(pairing, match, alignment.kind, mine, theirs, similarity)


def _matched_of_key(
    pairing: Pairing, alignment: Alignment, scores: Scores, match: Match
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Tensors [n] of one key whose counterpart in the aligned block is significant, that [n], and how alike they are.

    A tensor that an earlier kind matched keeps that, unless this kind finds it more than twice as alike: then the
    values at equal places agree by chance. One that is equal bit for bit needs no p-value: of a matrix that every layer
    repeats, as a DiT of diffusers repeats the embedder of its steps, all pairs are alike, and none of them stands out.
    """
    unit = pairing.query_unit[scores.query]
    of_candidate = np.full(len(pairing.candidate_units) + 1, -1, np.int64)  # the last, for no unit, stays -1
    of_candidate[pairing.candidate_unit[scores.candidate]] = np.arange(len(scores.candidate))
    column = of_candidate[alignment.best[unit]]
    similarity = KINDS[kind_number(alignment.kind)].correlation(scores.similarity[np.arange(len(unit)), column])
    open_yet = (match.kind[scores.query] < 0) | (match.similarity[scores.query] < similarity / 2)
    rows = np.flatnonzero((column >= 0) & open_yet)  # of the others no p-value is needed
    if len(rows):
        tried = alignment.tried[unit[rows]].clip(1).astype(np.float64)
        found = bonferroni(scores.log_p(rows, column[rows]), tried) <= TENSOR_LOG_P
        if KINDS[kind_number(alignment.kind)].same_basis:
            found |= _equal(pairing, scores.query[rows], scores.candidate[column[rows]])
        rows = rows[found]
    return scores.query[rows], scores.candidate[column[rows]], scores.similarity[rows, column[rows]]


def _equal(pairing: Pairing, mine: NDArray[np.int64], theirs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which tensors [n] of the query are those [n] of the candidate bit for bit; constants never."""
    query, candidate = pairing.query, pairing.candidate
    equal = (query.hash[mine] == candidate.hash[theirs]) & (query.hash[mine] != 0)
    equal[equal] = query.standardised[np.searchsorted(query.positions.tensor, mine[equal])].any(axis=1)
    return equal


def _match_outside(pairing: Pairing, match: Match) -> None:
    """Unknown matrices outside the layers that correlate.

    They have no null (unrelated models may hold the same constant), so they count for coverage, never for significance.
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
        if log_sf(fisher_z(r, query.sampled[mine]) / FIXED_SPREAD)[0] <= TENSOR_LOG_P:
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
    number = kind_number(kind)
    match.kind[mine], match.tensor[mine] = number, theirs
    r = match.similarity[mine] = KINDS[number].correlation(found)
    if KINDS[number].same_basis:
        match.difference[mine] = np.minimum(_differences(pairing, mine, theirs), UNRELATED)
    else:
        match.difference[mine] = UNRELATED * (1 - r.clip(0, 1))


def _differences(pairing: Pairing, mine: NDArray[np.int64], theirs: NDArray[np.int64]) -> NDArray[np.float64]:
    """The `relative_difference` of raw positions of tensors [n] of the query and of the candidate."""
    first, second = pairing.query.positions, pairing.candidate.positions
    rows, others = np.searchsorted(first.tensor, mine), np.searchsorted(second.tensor, theirs)
    change = np.subtract(first.value[rows], second.value[others], dtype=np.float64)
    lengths = pairing.query.squared_lengths[rows], pairing.candidate.squared_lengths[others]
    return _relative(change, *lengths)


def relative_difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared difference of rows [n, width], relative to their mean squared length: 0 if equal, 2 if unrelated."""
    return _relative(first - second, np.square(first).sum(axis=1), np.square(second).sum(axis=1))


def _relative(
    change: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Squares of changes [n, width], relative to the mean of the squared lengths [n] of what is compared."""
    squares = (first + second) / 2
    return np.asarray(np.square(change).sum(axis=1) / np.where(squares > 0, squares, 1))
