"""Who descends from whom, from the distances of a whole family: what one distance cannot tell.

Distances are symmetric, and siblings trained on similar data drift alike, so the nearest relative need not be the
parent. Training adds independent changes, so squared distances add along the edges of the family's tree, and for any
third relative r the *detour* of the way from the query q to r over a candidate c,

    h = (d2(q, c) + d2(c, r) - d2(q, r)) / 2,

is what the candidate went through alone. It is near 0 for an ancestor, and all of its own drift for a sibling or a
descendant. (The Gromov product; Buneman, "The recovery of trees from measures of dissimilarity", 1971.)

A merge t x + (1 - t) y lies on the straight line between its parents: recognised by what the line leaves unexplained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .evidence import PairEvidence

MOST = 24
"""Relatives that are compared with each other: the nearest ones."""
OWN_DRIFT = 0.25
"""An ancestor's detour is at most this share of the way: three quarters of the difference are the query's own."""
_FEW_WITNESSES = 2
_MERGE_RESIDUAL = 0.02
_MERGE_SHARE = 0.15
_ROUNDING = 2 * 0.0017**2
"""Squared relative error that storing a merge and a parent as bfloat16 adds."""


@dataclass(frozen=True)
class Family:
    """Squared relative distances [n + 1, n + 1] of the query (last) and `n` relatives, and who is a merge of whom.

    `detour` [n] is a share of the query's way to each relative, NaN without enough witnesses. `query_parents` are the
    two relatives that the query is a merge of, `merges` the relatives that are merges of two others, and
    `merges_of_query` those of them that have the query for a parent.
    """

    squared: NDArray[np.float64]
    detour: NDArray[np.float64]
    query_parents: tuple[int, int] | None
    merges: frozenset[int]
    merges_of_query: frozenset[int]

    def ancestors(self) -> list[int]:
        """The relatives that can be ancestors, in the order of their numbers (which is that of their distances).

        Hardly any of the difference to an ancestor is its own. Relatives share drift, which looks like a detour, so
        what is much nearer than all that are left is set aside only when most of the difference is its own. Where every
        one that is left lies further out in the family than the query does, the query is the root and they descend
        from it.
        """
        count = len(self.detour)
        others = [i for i in range(count) if i not in self.merges_of_query]
        straight = [i for i in others if not self.detour[i] > OWN_DRIFT]
        near = min((self.squared[count, i] for i in straight), default=0.0) / 2
        able = [
            i for i in others if i in straight or (self.squared[count, i] < near and self.detour[i] <= 1 - OWN_DRIFT)
        ]
        return able if self.query_parents or any(self._further_in(i) for i in able) else []

    def _further_in(self, number: int) -> bool:
        """Whether a relative is nearer to the rest of the family than the query is; a family of two has no rest."""
        count = len(self.detour)
        rest = [i for i in range(count) if i != number and i not in self.merges]
        if len(rest) < _FEW_WITNESSES:
            return True
        return bool(np.median(self.squared[number, rest]) <= np.median(self.squared[count, rest]))

    def told(self, number: int) -> bool:
        """Whether the rest of the family says anything about who came first."""
        return not np.isnan(self.detour[number])

    def centrality(self, number: int) -> float:
        """Median squared distance to the other relatives: smallest for the root of a family."""
        others = [i for i in range(len(self.detour)) if i != number]
        return float(np.median(self.squared[number, others])) if others else 0.0


def family(evidence: Sequence[PairEvidence]) -> Family:
    """The family of a query: what all relatives share with it is compared among all of them."""
    vectors, common = _vectors(evidence)
    products = vectors @ vectors.T
    squares = np.diagonal(products)
    squared = np.maximum(squares[:, None] + squares[None, :] - 2 * products, 0.0)
    count = len(evidence)
    found = _mixtures(squared) if common else {}
    merges = frozenset(m for m, parents in found.items() if m != count)
    return Family(
        squared=squared,
        detour=_detours(squared, merges),
        query_parents=found.get(count),
        merges=merges,
        merges_of_query=frozenset(m for m in merges if count in found[m]),
    )


def _vectors(evidence: Sequence[PairEvidence]) -> tuple[NDArray[np.float64], bool]:
    """Positions of what everyone matched by positions, scaled so that products are weighted means: [n + 1, values].

    The query comes last. The second value is False when nothing is common to all.
    """
    query = evidence[0].pairing.query
    tensors = query.positions.tensor
    matched = np.stack([e.match.kind[tensors] == 0 for e in evidence])
    common = matched.all(axis=0)
    if not common.any():
        return np.zeros((len(evidence) + 1, 1)), False
    mine = query.positions.value[common].astype(np.float64)
    weight = evidence[0].match.weight[tensors[common]]
    size = np.maximum(np.square(mine).sum(axis=1), 1e-30)
    scale = np.sqrt(weight / weight.sum() / size)[:, None]
    rows = np.empty((len(evidence) + 1, *mine.shape))
    for number, one in enumerate(evidence):
        other = one.pairing.candidate.positions
        at = np.searchsorted(other.tensor, one.match.tensor[tensors[common]])
        rows[number] = np.multiply(other.value[at], scale)
    rows[-1] = mine * scale
    return rows.reshape(len(rows), -1), True


def _detours(squared: NDArray[np.float64], merges: frozenset[int]) -> NDArray[np.float64]:
    """The detour over every relative, as a share of the query's way to it, over witnesses.

    A witness is no merge, and not the query's own descendant (it is nearer to another relative than to the query).
    Of an ancestor's witnesses many may share drift with the query, or be its descendants, so the lower quartile
    decides. A merge lies between its parents without being an ancestor of what comes after them: there the median
    counts, and a way that is too straight as much as a detour.
    """
    count = len(squared) - 1
    apart = squared + np.diag(np.full(count + 1, np.inf))
    witnesses = [r for r in range(count) if r not in merges and apart[r, :count].min(initial=np.inf) < apart[r, count]]
    detours = np.full(count, np.nan)
    for c in range(count):
        others = np.array([r for r in witnesses if r != c], np.int64)
        if len(others) >= _FEW_WITNESSES and squared[count, c] > 0:
            shares = (squared[count, c] + squared[c, others] - squared[count, others]) / (2 * squared[count, c])
            detours[c] = np.median(np.abs(shares)) if c in merges else np.quantile(shares, 0.25)
    return detours


def _mixtures(squared: NDArray[np.float64]) -> dict[int, tuple[int, int]]:
    """Members that lie on the line between two others, between 15 and 85 % of the way: member -> the two nearest such.

    Of three on a line the middle one is the mixture. Share and residual follow from the three distances alone.
    """
    found: dict[int, tuple[int, int]] = {}
    for m in range(len(squared)):
        a = squared[m][:, None]
        b = squared[m][None, :]
        length = np.maximum(squared, 1e-30)
        share = (length + b - a) / (2 * length)  # of the first parent
        residual = share**2 * a + (1 - share) ** 2 * b + share * (1 - share) * (a + b - squared)
        allowed = _MERGE_RESIDUAL * np.minimum(a, b) + _ROUNDING
        good = (share >= _MERGE_SHARE) & (share <= 1 - _MERGE_SHARE) & (residual <= allowed)
        good &= np.minimum(a, b) > 4 * _ROUNDING
        good[m, :], good[:, m] = False, False
        good = np.triu(good, 1)
        if good.any():
            worth = np.where(good, residual, np.inf)
            i, j = np.unravel_index(int(worth.argmin()), worth.shape)
            found[m] = (int(i), int(j))
    return found
