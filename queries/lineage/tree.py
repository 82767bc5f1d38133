"""The unrooted tree of a family, from squared distances: who meets whom, and which models stand inside it.

Independent changes add their squares, so squared distances are those of a tree: neighbour joining finds it (Saitou and
Nei, "The neighbor-joining method", 1987). Its inner nodes are models that nobody may have registered. A registered one
that has hardly a way of its own *is* the inner node that it hangs on: `placed` puts it there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Edge = tuple[int, int, float]
"""Two nodes and the squared distance between them, never negative."""


@dataclass(frozen=True)
class Tree:
    """An unrooted tree whose nodes below `observed` are registered models (or the query); the others are hidden."""

    observed: int
    edges: tuple[Edge, ...]

    @cached_property
    def neighbours(self) -> Mapping[int, tuple[int, ...]]:
        """The nodes beside each node."""
        found: dict[int, list[int]] = defaultdict(list)
        for a, b, _ in self.edges:
            found[a].append(b)
            found[b].append(a)
        return {node: tuple(others) for node, others in found.items()} or {0: ()}

    @cached_property
    def own_way(self) -> Mapping[int, float]:
        """The length of the last edge of every observed node that is a leaf: what it went through alone."""
        lengths: dict[int, list[float]] = defaultdict(list)
        for a, b, length in self.edges:
            lengths[a].append(length)
            lengths[b].append(length)
        return {n: found[0] for n, found in lengths.items() if n < self.observed and len(found) == 1}


def neighbour_joining(squared: NDArray[np.float64]) -> Tree:
    """The tree of `squared` [n, n], the squared distances of n observed nodes; negative edges count as 0.

    The edges of two nodes that are joined are the means of what every third one says of them.
    """
    count = len(squared)
    distances = {(i, j): float(squared[i, j]) for i in range(count) for j in range(count)}
    active, edges, fresh = list(range(count)), [], count
    while len(active) > 2:
        sums = {i: sum(distances[i, j] for j in active if j != i) for i in active}
        i, j = min(
            ((a, b) for n, a in enumerate(active) for b in active[n + 1 :]),
            key=lambda p: (len(active) - 2) * distances[p] - sums[p[0]] - sums[p[1]],
        )
        first = (distances[i, j] + (sums[i] - sums[j]) / (len(active) - 2)) / 2
        edges += [(i, fresh, first), (j, fresh, distances[i, j] - first)]
        active = [k for k in active if k not in (i, j)]
        for k in active:
            distances[k, fresh] = distances[fresh, k] = (distances[i, k] + distances[j, k] - distances[i, j]) / 2
        distances[fresh, fresh] = 0.0
        active.append(fresh)
        fresh += 1
    if len(active) == 2:
        edges.append((active[0], active[1], distances[active[0], active[1]]))
    return Tree(count, tuple((a, b, max(0.0, length)) for a, b, length in edges))


def placed(tree: Tree, inside: Iterable[int]) -> Tree:
    """The tree with the observed leaves `inside` put on the hidden nodes that they hang on.

    Of several that hang on one hidden node the first is put there.
    """
    becomes: dict[int, int] = {}
    for leaf in inside:
        beside = tree.neighbours.get(leaf, ())
        if len(beside) == 1 and beside[0] >= tree.observed and beside[0] not in becomes:
            becomes[beside[0]] = leaf
    edges = [(becomes.get(a, a), becomes.get(b, b), length) for a, b, length in tree.edges]
    return Tree(tree.observed, tuple(edge for edge in edges if edge[0] != edge[1]))


def joined(tree: Tree, least: float) -> Tree:
    """The tree without edges between two hidden nodes that are not longer than `least`: their order is not known."""
    becomes: dict[int, int] = {}

    def node(n: int) -> int:
        while n in becomes:
            n = becomes[n]
        return n

    for a, b, length in tree.edges:
        first, second = node(a), node(b)
        if first != second and min(first, second) >= tree.observed and length <= least:
            becomes[second] = first
    edges = [(node(a), node(b), length) for a, b, length in tree.edges]
    return Tree(tree.observed, tuple(edge for edge in edges if edge[0] != edge[1]))
