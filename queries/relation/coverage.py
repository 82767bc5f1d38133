"""How much of a query one candidate covers, of all its parameters, and why the rest is not covered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.component import Component
from ..evidence.alignment import outside_only
from ..evidence.pair import PairEvidence


@dataclass(frozen=True, slots=True)
class Coverage:
    """Shares of all parameters of a query's component, which add up to 1.

    `matched`: in tensors with a significant match, or equal bit for bit. `without_match`: compared with something of
    the candidate, and found no more alike than chance. `not_comparable`: read, but the candidate has nothing of that
    role and shape, or it is a gain or a bias, which is never evidence. `not_read`: skipped, refused, beyond a budget,
    or kept by name and shape alone.
    """

    matched: float
    without_match: float
    not_comparable: float
    not_read: float

    @property
    def compared(self) -> float:
        """The share that was compared at all, with a match or without."""
        return self.matched + self.without_match


def coverage_of(evidence: PairEvidence) -> Coverage:
    """How much of all parameters of the query matched, and why the rest did not."""
    query, candidate, match = evidence.pairing.query, evidence.pairing.candidate, evidence.match
    size = query.parameters
    total = float(size.sum()) + query.skipped
    if total <= 0:
        return Coverage(0.0, 0.0, 0.0, 1.0)
    read = query.read
    matched = match.kind >= 0
    if matched.any():
        matched = matched | _equal(query, candidate)
    compared = _compared(evidence) & read & ~matched
    left = read & ~matched & ~compared
    first, second, third = (float(size[part].sum()) / total for part in (matched, compared, left))
    missing = query.skipped + float(size[~read & ~matched].sum())
    return Coverage(first, second, third, missing / total)


def _equal(query: Component, candidate: Component) -> NDArray[np.bool_]:
    """Which of the query's tensors without evidence of their own the candidate holds bit for bit; constants never."""
    mine, theirs = query.context, candidate.context
    found = np.zeros(len(query.names), np.bool_)
    found[mine] = np.isin(query.hash[mine], candidate.hash[theirs])
    return found


def _compared(evidence: PairEvidence) -> NDArray[np.bool_]:
    """Which of the query's tensors were compared with any of the candidate's."""
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    found = np.zeros(len(query.names), np.bool_)
    for alignment in evidence.alignments:
        for scores in alignment.scores:
            found[scores.query] |= np.isfinite(scores.score).any(axis=1)
    found[[one.query for one in evidence.tokens]] = True
    mine, theirs = query.rows_by_key("positions"), candidate.rows_by_key("positions")
    for key in set(mine) & set(theirs):
        if outside_only(key):
            found[query.positions.tensor[mine[key][:1]]] = True
    return found
