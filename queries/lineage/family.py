"""The family of a query: its relatives and itself as distances, which of them are merges, and which rounded copies.

Merges have no place in a tree: recognised (`merges`), they name their parents and witness nothing. A copy that lost
values to rounding stands where its original does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.component import Component
from ..data.precision import error_of_levels, mean_levels, rounded_to
from ..evidence.pair import PairEvidence
from ..thresholds.lineage import (
    FEW_WITNESSES,
    MERGE_BASES,
    MERGE_PART,
    MERGE_STRAYS,
    OWN_OF_COPY,
    OWN_WAY,
)
from ..thresholds.recipes import FEWEST_CHANGED
from ..thresholds.relation import LEAST_OF_TWINS, LEAST_ROUNDING
from .geometry import Distances, distances_of, gromov_shares, quartiles
from .merges.recognised import Samples, is_sum, of_changes, of_tensors, on_lines, samples


@dataclass(frozen=True)
class Family:
    """Distances of `n` relatives and the query (number n), and who is a merge of whom.

    `parents` names the parents of members that are merges, the query among them. `copy_of` names, for members whose
    values were rounded to fewer levels, what they are a copy of. `common` is False where nothing is common to all.
    `of_layers` says that the query is put together from whole tensors of its parents, `of_sum` that it is one weighted
    sum of them or of their changes, up to rounding. `within` is the share that the query moved of the values that
    relatives moved, if it moved no others, as a merge of theirs; else 0.
    """

    distances: Distances
    parents: Mapping[int, tuple[int, ...]]
    copy_of: Mapping[int, int]
    common: bool
    of_layers: bool
    within: float = 0.0
    of_sum: bool = False

    @property
    def query(self) -> int:
        """The number of the query: the last."""
        return len(self.distances.squared) - 1


def family(evidence: Sequence[PairEvidence]) -> Family:
    """The family of a query: what all relatives share with it is compared among all of them."""
    values, weight, size, common = _common(evidence)
    distances = distances_of(values.reshape(len(values), -1), weight, size)
    squared, count = distances.squared, len(evidence)
    query = evidence[0].pairing.query
    parents: dict[int, tuple[int, ...]] = {}
    of_layers, of_sum, within = False, False, 0.0
    if strangers := of_strangers(evidence):
        parents, of_layers = {count: strangers}, True
    elif common:
        covers = np.array([float((e.match.kind[query.positions.tensor] == 0).mean()) for e in evidence] + [1.0])
        compared = samples(values, weight, size, covers)
        parents |= on_lines(squared, compared)
        of_sum = count in parents
        if not of_sum:
            bases = _bases(squared, frozenset(parents))
            found, of_layers = _put_together(evidence, compared, squared, frozenset(parents))
            parents |= {count: found} if found else {}
            of_sum = bool(found) and not of_layers and is_sum(compared, count, bases, found)
        within = _within(compared, squared)
    elif stacked := _stacked(evidence):
        parents, of_layers = {count: stacked}, True
    levels = [mean_levels(c) for c in (*(e.pairing.candidate for e in evidence), query)]
    return Family(distances, parents, _copies(squared, levels), common, of_layers, within, of_sum)


def _put_together(
    evidence: Sequence[PairEvidence],
    compared: Samples,
    squared: NDArray[np.float64],
    merges: frozenset[int],
) -> tuple[tuple[int, ...], bool]:
    """The relatives whose tensors or changes the query is put together from, none for no merge; whether it is tensors.

    A root is put together from its children as much, where each changed another part of it. But a root lies on their
    way to everybody else; what a merge took from the others is a way of its own, over all parents.
    """
    count = len(evidence)
    query = evidence[0].pairing.query
    weight = evidence[0].match.weight[query.scorable]
    held = np.stack([_held(query, e.pairing.candidate) for e in evidence])
    parents = of_tensors(weight, held)
    of_layers = parents is not None
    if parents is None:
        parents = of_changes(compared, count, _bases(squared, merges), [i for i in range(count) if i not in merges])
    if parents is None or not np.mean([_own_ways(squared, merges, p)[count] for p in parents]) > OWN_WAY:
        return (), False
    return parents, of_layers


def _bases(squared: NDArray[np.float64], merges: frozenset[int]) -> list[int]:
    """Relatives that may be what a merge took changes of: no merges, the nearest to all others first."""
    inner = (i for i in range(len(squared) - 1) if i not in merges)
    return sorted(inner, key=lambda i: _centrality(squared, i))[:MERGE_BASES]


def _within(compared: Samples, squared: NDArray[np.float64]) -> float:
    """The share of the values that relatives moved which the query, of 16 bits, moved too; 0 where it moved others.

    Against the relative that is nearest to all others; of the others those count that hold some of its values.
    """
    bits = int(compared.bits[-1])
    if bits == 23:
        return 0.0
    base = min(range(len(squared) - 1), key=lambda i: _centrality(squared, i))
    moved = rounded_to(compared.values.astype(np.float32), bits)
    moved = moved != moved[base]
    share = moved[:-1].mean(axis=1)
    left = ~moved[:-1][(share > 0) & (share <= 1 - MERGE_PART)].any(axis=0)
    if left.all() or int(left.sum()) < FEWEST_CHANGED or moved[-1][left].mean() > MERGE_STRAYS:
        return 0.0
    return float(moved[-1][~left].mean())


def of_strangers(evidence: Sequence[PairEvidence]) -> tuple[int, ...]:
    """The relatives of whose very layers the query consists, each with other layers that are nothing like the query's.

    A model that was trained from the query would be like it in those too; so would one of a common parent.
    """
    query = evidence[0].pairing.query if evidence else None
    if query is None or len(evidence) < 2:
        return ()
    held = np.stack([_held(query, e.pairing.candidate) for e in evidence])
    parents = of_tensors(evidence[0].match.weight[query.scorable], held) or ()
    layer = query.layer[query.scorable]
    for parent in parents:
        others = held[[p for p in parents if p != parent]].any(axis=0)
        if not (layer[held[parent] & ~others] >= 0).any() or not _has_other_layers(evidence[parent], held[parent]):
            return ()
    return parents


def _has_other_layers(evidence: PairEvidence, held: NDArray[np.bool_]) -> bool:
    """Whether a relative has layers without a tensor of the query's, and is nothing like the query's other layers."""
    query, relative, match = evidence.pairing.query, evidence.pairing.candidate, evidence.match
    own = relative.layer[relative.scorable]
    if not set(own[own >= 0].tolist()) - set(own[_held(relative, query)].tolist()):
        return False
    rest = np.flatnonzero(query.scorable)[~held & (query.layer[query.scorable] >= 0)]
    return float(match.weight[rest] @ match.similarity[rest]) < LEAST_OF_TWINS * float(match.weight[rest].sum())


def _stacked(evidence: Sequence[PairEvidence]) -> tuple[int, ...]:
    """The relatives that have nothing in common and whose tensors the query is put together from; none for no merge.

    A parent that holds a tensor of which the query has no equal was trained apart from it: what was cut from the query
    would hold none.
    """
    query = evidence[0].pairing.query
    held = np.stack([_held(query, e.pairing.candidate) for e in evidence])
    parents = of_tensors(evidence[0].match.weight[query.scorable], held) or ()
    own = [bool((~_held(evidence[i].pairing.candidate, query)).any()) for i in parents]
    return parents if any(own) else ()


def _copies(squared: NDArray[np.float64], levels: Sequence[float]) -> dict[int, int]:
    """Relatives that are another member rounded to fewer levels -> the nearest such member.

    Rounding only ever loses values, so the coarser of two copies cannot be what the finer one was made from. But what
    is nearer than rounding can have left it was trained on the coarser one's values, and lies on them still; and what
    others are nearer to than to the finer one did not get its error by rounding that one.
    """
    found = {}
    own = quartiles(gromov_shares(squared))[..., 1] if len(squared) > 2 else np.ones_like(squared)
    for i in range(len(levels)):
        error = error_of_levels(levels[i])
        finer = [
            j
            for j in range(len(levels))
            if levels[j] > levels[i] + 1 and LEAST_ROUNDING**2 <= squared[i, j] <= error**2 and own[i, j] >= OWN_OF_COPY
        ]
        if finer:
            found[i] = min(finer, key=lambda j: float(squared[i, j]))
    return found


def _held(query: Component, relative: Component) -> NDArray[np.bool_]:
    """Which of the query's matrices a relative holds with equal values."""
    return np.isin(query.hash[query.scorable], relative.hash[relative.scorable])


def _centrality(squared: NDArray[np.float64], number: int) -> float:
    """Two near copies are compared by the same distances, so that what those have in common cancels."""
    return float(np.sqrt(squared[number, :-1]).mean())


Common = tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64], bool]


def _common(evidence: Sequence[PairEvidence]) -> Common:
    """Positions [n + 1, tensors, 256] of what everyone matched by positions, the query last.

    Then the weight [tensors, 256] of each value, 0 for padding, the mean square [tensors] of the query's, and whether
    anything is common to all.
    """
    query = evidence[0].pairing.query
    tensors = query.positions.tensor
    matched = np.stack([e.match.kind[tensors] == 0 for e in evidence])
    common = matched.all(axis=0)
    width = query.positions.value.shape[1]
    if not common.any():
        return np.zeros((len(evidence) + 1, 1, width), np.float32), np.full((1, width), 1.0), np.ones(1), False
    mine = np.asarray(query.positions.value[common], np.float32)
    sampled = query.sampled[tensors[common]]
    inside = np.arange(width) < sampled[:, None]
    weight = np.where(inside, (evidence[0].match.weight[tensors[common]] / sampled)[:, None], 0.0)
    size = np.square(mine.astype(np.float64)).sum(axis=1) / sampled
    rows = np.empty((len(evidence) + 1, *mine.shape), np.float32)
    for number, one in enumerate(evidence):
        other = one.pairing.candidate.positions
        rows[number] = other.value[np.searchsorted(other.tensor, one.match.tensor[tensors[common]])]
    rows[-1] = mine
    return rows, weight, size, True


def _own_ways(squared: NDArray[np.float64], merges: frozenset[int], member: int) -> NDArray[np.float64]:
    """What every other member [n + 1] went through alone, as a share of the member's way to it, over witnesses.

    A witness is a relative of the query and no merge, and not the member's own descendant (it is nearer to another
    relative than to the member). The median over witnesses; NaN where there are fewer than two.
    """
    count = len(squared) - 1
    apart = squared + np.diag(np.full(count + 1, np.inf))
    nearest = apart[:count, :count].min(axis=1, initial=np.inf)
    witnesses = [r for r in range(count) if r not in merges and r != member and nearest[r] < apart[r, member]]
    ways = np.full(count + 1, np.nan)
    for c in range(count + 1):
        others = np.array([r for r in witnesses if r != c], np.int64)
        way = squared[member, c]
        if c != member and len(others) >= FEW_WITNESSES and way > 0:
            ways[c] = np.median((way + squared[c, others] - squared[member, others]) / (2 * way))
    return ways
