"""Who descends from whom, from the distances of a whole family: what one distance cannot tell.

Distances are symmetric, and siblings trained on similar data drift alike, so the nearest relative need not be the
parent. Training adds independent changes, so squared distances add along the edges of the family's tree, and for any
third relative r the *detour* of the way from the query q to r over a candidate c,

    h = (d2(q, c) + d2(c, r) - d2(q, r)) / 2,

is what the candidate went through alone. It is near 0 for an ancestor, and all of its own drift for a sibling or a
descendant. (The Gromov product; Buneman, "The recovery of trees from measures of dissimilarity", 1971.)

Merges (`merges`) are no part of the tree: recognised, they name their parents and witness nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..data.component import Component
from ..data.precision import QUANTISED_ERROR, QUANTISED_LEVELS
from ..evidence.pair import PairEvidence
from .merges import of_changes, of_tensors, on_lines

MOST = 24
"""Relatives that are compared with each other: the nearest ones."""
OWN_DRIFT = 0.25
"""An ancestor's detour is at most this share of the way: three quarters of the difference are the query's own."""
_FEW_WITNESSES = 2
_BASES = 2
"""Most central relatives that a merge of changes may have for a base."""


@dataclass(frozen=True)
class Family:
    """Squared relative distances [n + 1, n + 1] of the query (last) and `n` relatives, and who is a merge of whom.

    `query_parents` are the relatives that the query is a merge of, `merges` the relatives that are merges of others,
    and `merges_of_query` those of them that have the query for a parent. `copy_of` names, for relatives whose values
    were rounded to fewer levels, what they are a copy of: another relative, or the query (`n`).
    """

    squared: NDArray[np.float64]
    query_parents: tuple[int, ...] | None
    merges: frozenset[int]
    merges_of_query: frozenset[int]
    copy_of: dict[int, int]

    @cached_property
    def detour(self) -> NDArray[np.float64]:
        """What each relative [n] went through alone, as a share of the query's way to it; NaN without witnesses."""
        return _detours(self.squared, self.merges, len(self.squared) - 1)[:-1]

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

    def common_ancestors(self, tie: Sequence[int], able: Sequence[int]) -> list[int]:
        """Of `able`, those that every one of `tie` can descend from; none where one of the tie itself is that.

        Ancestors of one model descend from one another. Where nobody in a tie is an ancestor of the rest, they drift
        alike with the query, and what all of them can come from belongs to those that cannot be told apart. Merges
        are made, not descended, and have no say.
        """
        tie = [i for i in tie if i not in self.merges]
        detours = {one: _detours(self.squared, self.merges, one) for one in tie}
        found = [i for i in able if all(i == o or detours[o][i] <= OWN_DRIFT for o in tie)]
        return found if len(tie) > 1 and not set(found) & set(tie) else []

    def _further_in(self, number: int) -> bool:
        """Whether a relative is nearer to the rest of the family than the query is; a small family has no rest."""
        count = len(self.detour)
        rest = [i for i in range(count) if i != number and i not in self.merges]
        if len(rest) <= _FEW_WITNESSES:
            return True
        return bool(np.median(self.squared[number, rest]) <= np.median(self.squared[count, rest]))

    def told(self, number: int) -> bool:
        """Whether the rest of the family says anything about who came first."""
        return not np.isnan(self.detour[number])

    def centrality(self, number: int) -> float:
        """Mean distance to all relatives: smallest for the root of a family."""
        return _centrality(self.squared, number)


def family(evidence: Sequence[PairEvidence]) -> Family:
    """The family of a query: what all relatives share with it is compared among all of them."""
    vectors, common = _vectors(evidence)
    products = vectors @ vectors.T
    squares = np.diagonal(products)
    squared = np.maximum(squares[:, None] + squares[None, :] - 2 * products, 0.0)
    count = len(evidence)
    query = evidence[0].pairing.query
    found = on_lines(squared) if common else {}
    merges = frozenset(m for m in found if m != count)
    parents = found.get(count)
    if parents is None and common:
        parents = _put_together(evidence, vectors, squared, merges)
    return Family(
        squared=squared,
        query_parents=parents,
        merges=merges,
        merges_of_query=frozenset(m for m in merges if count in found[m]),
        copy_of=_copies(squared, [_levels(c) for c in (*(e.pairing.candidate for e in evidence), query)]),
    )


def _put_together(
    evidence: Sequence[PairEvidence],
    vectors: NDArray[np.float64],
    squared: NDArray[np.float64],
    merges: frozenset[int],
) -> tuple[int, ...] | None:
    """The relatives whose tensors or changes the query is put together from.

    A root is put together from its children as much, where each changed another part of it. But a root lies on their
    way to everybody else, and of a merge what it took from the others is a detour: all of that way, over all parents.
    """
    count = len(evidence)
    query = evidence[0].pairing.query
    weight = evidence[0].match.weight[query.scorable]
    held = np.stack([_held(query, e.pairing.candidate) for e in evidence])
    parents = of_tensors(weight, held)
    if parents is None:
        inner = sorted((i for i in range(count) if i not in merges), key=lambda i: _centrality(squared, i))
        parents = of_changes(vectors, count, inner[:_BASES], [i for i in range(count) if i not in merges])
    if parents is None or not np.mean([_detours(squared, merges, p)[count] for p in parents]) > OWN_DRIFT:
        return None
    return parents


def _copies(squared: NDArray[np.float64], levels: Sequence[float]) -> dict[int, int]:
    """Relatives that are another member rounded to fewer levels -> the nearest such member.

    Rounding only ever loses values, so the coarser of two copies cannot be what the finer one was made from.
    """
    found = {}
    for i in range(len(levels) - 1):
        error = QUANTISED_ERROR[4 if levels[i] <= QUANTISED_LEVELS else 8]
        finer = [j for j in range(len(levels)) if levels[j] > levels[i] + 1 and squared[i, j] <= error**2]
        if finer:
            found[i] = min(finer, key=lambda j: float(squared[i, j]))
    return found


def _levels(component: Component) -> float:
    """Different values among 32 neighbours, over all matrices; all 32 where nothing is known."""
    known = component.levels[component.positions.tensor]
    known = known[known > 0]
    return float(known.mean()) if len(known) else 32.0


def _held(query: Component, relative: Component) -> NDArray[np.bool_]:
    """Which of the query's matrices a relative holds with equal values."""
    return np.isin(query.hash[query.scorable], relative.hash[relative.scorable])


def _centrality(squared: NDArray[np.float64], number: int) -> float:
    """Two near copies are compared by the same distances, so that what those have in common cancels."""
    return float(np.sqrt(squared[number, :-1]).mean())


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


def _detours(squared: NDArray[np.float64], merges: frozenset[int], member: int) -> NDArray[np.float64]:
    """The detours [n + 1] of a member's way over every other, as shares of the way to it, over witnesses.

    A witness is a relative of the query and no merge, and not the member's own descendant (it is nearer to another
    relative than to the member). Of an ancestor's witnesses many may share drift with the member, or be its
    descendants, so the lower quartile decides. A merge lies between its parents without being an ancestor of what
    comes after them: there the median counts, and a way that is too straight as much as a detour.
    """
    count = len(squared) - 1
    apart = squared + np.diag(np.full(count + 1, np.inf))
    nearest = apart[:count, :count].min(axis=1, initial=np.inf)
    witnesses = [r for r in range(count) if r not in merges and r != member and nearest[r] < apart[r, member]]
    detours = np.full(count + 1, np.nan)
    for c in range(count + 1):
        others = np.array([r for r in witnesses if r != c], np.int64)
        way = squared[member, c]
        if c != member and len(others) >= _FEW_WITNESSES and way > 0:
            shares = (way + squared[c, others] - squared[member, others]) / (2 * way)
            detours[c] = np.median(np.abs(shares)) if c in merges else np.quantile(shares, 0.25)
    return detours
