"""Family trees from the related pairs of an audit: which pairs are drawn, and which models stand together.

An edge is directed where the audit tells that one of the two is an ancestor of the other. Drawn are
1. `nearest`: what may be the nearest ancestor of a model, the likeliest first; both parents of a merge;
2. `told`: where that one's direction is not told, the first ancestor that is (others may stand between);
3. `spanning`: the fewest and nearest further pairs that hold together what the audit found to be one family.

All other pairs are left out: they follow from these, or say that two models are of one family, which the family says.
Directions that run in a circle are all taken back. Models that are equal value for value are one node. A missing
ancestor that was inferred is a node above the models that come from it.

*Limitation*: an undirected edge is the likeliest neighbour, no more. A parent that no model is told of may be any of
several that are as near.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

Drawn = Literal["nearest", "told", "spanning"]
"""Why an edge is drawn: see the module."""
Ids = NDArray[np.int64]
_FAR = 4.0
"""Added to the distance of two models that are told to be siblings: beyond every distance, which is 1.42 at most."""
INFERRED = 1 << 32
"""Ids of missing ancestors are this and more: those of models are smaller."""
_CIRCLE = "; not told after all: the directions that were told run in a circle"


@dataclass(frozen=True, slots=True)
class TreeModel:
    """A model of an audit; `copy_of` is one that it equals in content or files, None for most."""

    model_id: int
    name: str
    source: str
    copy_of: int | None = None


@dataclass(frozen=True, slots=True)
class InferredParent:
    """A missing ancestor, INFERRED and its number; `children` are (model, what that rests on, log10 of the E-value)."""

    node_id: int
    name: str
    source: str
    component: str
    children: tuple[tuple[int, str, float], ...]


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A model; `copies` are (id, name, source) of others that are equal to it value for value."""

    node_id: int
    name: str
    source: str
    family: int
    copies: tuple[tuple[int, str, str], ...] = ()
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class TreeEdge:
    """A pair that is drawn, by the ids of its nodes.

    Undirected, the order of the two says nothing. `by` is what the relation and the direction rest on.
    """

    child: int
    parent: int
    directed: bool
    relation: tuple[str, ...]
    by: str
    log10_evalue: float
    components: tuple[str, ...]
    drawn: Drawn


@dataclass(frozen=True, slots=True)
class Trees:
    """Nodes, by family and then by name, and the edges among them. A family is numbered from 1, the largest first."""

    nodes: tuple[TreeNode, ...]
    edges: tuple[TreeEdge, ...]


def family_trees(models: Sequence[TreeModel], pairs: pa.Table, inferred: Sequence[InferredParent] = ()) -> Trees:
    """The trees of all models of an audit, ascending ids; models without relatives and copies are left out.

    `pairs` has the columns of the macro `lineage_pairs`; children of what is `inferred` are among the models.
    """
    ids = np.array([m.model_id for m in models], np.int64)
    child, parent = (np.asarray(pairs[name].to_numpy(), np.int64) for name in ("child_id", "parent_id"))
    flags = {n: _flags(pairs, n) for n in ("directed", "nearest", "told_first", "siblings", "copies")}
    same = flags["copies"]
    equal = [(m.model_id, m.copy_of) for m in models if m.copy_of is not None]
    first = np.concatenate([child[same], np.array([m for m, _ in equal], np.int64)])
    second = np.concatenate([parent[same], np.array([o for _, o in equal], np.int64)])
    nodes = _representatives(ids, first, second)
    of_child, of_parent = nodes[np.searchsorted(ids, child)], nodes[np.searchsorted(ids, parent)]
    kept = np.flatnonzero(of_child != of_parent)
    of_child, of_parent = of_child[kept], of_parent[kept]
    flags = {name: values[kept] for name, values in flags.items()}
    distance = np.asarray(pairs["distance"].to_numpy(), np.float64)[kept] + _FAR * flags["siblings"]
    chosen = flags["nearest"] | flags["told_first"]
    drawn = chosen | _spanning(of_child, of_parent, distance, chosen)
    edges = _edges(pairs.take(pa.array(kept[drawn])), of_child[drawn], of_parent[drawn])
    above = [TreeModel(one.node_id, one.name, one.source) for one in inferred]
    hidden = np.array([one.node_id for one in inferred], np.int64)
    edges = [*_without_circles(edges), *_inferred_edges(inferred, ids, nodes)]
    return _grouped([*models, *above], np.concatenate([ids, hidden]), np.concatenate([nodes, hidden]), edges)


def _inferred_edges(inferred: Sequence[InferredParent], ids: Ids, nodes: Ids) -> list[TreeEdge]:
    """From every missing ancestor to the nodes of its children, of equal ones once."""
    found: dict[tuple[int, int], TreeEdge] = {}
    for one in inferred:
        for model, by, evalue in one.children:
            child = int(nodes[np.searchsorted(ids, model)])
            edge = TreeEdge(child, one.node_id, True, ("inferred",), by, evalue, (one.component,), "told")
            found.setdefault((child, one.node_id), edge)
    return list(found.values())


def _flags(pairs: pa.Table, name: str) -> NDArray[np.bool_]:
    return np.asarray(pairs[name].combine_chunks().to_numpy(zero_copy_only=False), np.bool_)


def _representatives(ids: Ids, first: Ids, second: Ids) -> Ids:
    """The node of every model [n]: of models that are equal, pairs first - second, the one with the smallest id."""
    labels = _connected(len(ids), np.searchsorted(ids, first), np.searchsorted(ids, second))
    smallest = np.full(labels.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, labels, ids)
    return smallest[labels]


def _connected(count: int, first: Ids, second: Ids, *, strong: bool = False) -> Ids:
    """The group [count] of every node by the edges first - second, with `strong` by edges that lead there and back."""
    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(count, count))
    _, labels = connected_components(graph, directed=strong, connection="strong" if strong else "weak")
    return labels.astype(np.int64)


def _spanning(child: Ids, parent: Ids, distance: NDArray[np.float64], chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which further pairs hold the families together: a minimum spanning forest in which what is chosen costs nothing.

    Of pairs between the same two nodes the first of the cheapest counts.
    """
    if not len(child):
        return chosen
    nodes = np.unique(np.concatenate([child, parent]))
    low, high = np.searchsorted(nodes, np.minimum(child, parent)), np.searchsorted(nodes, np.maximum(child, parent))
    cost = np.where(chosen, 0.0, distance + 1.0)
    order = np.lexsort((np.arange(len(cost)), cost, high, low))
    place = np.stack([low[order], high[order]])
    cheapest = order[np.concatenate([[True], (place[:, 1:] != place[:, :-1]).any(axis=0)])]
    weight = np.empty(len(cheapest))
    weight[np.lexsort((cheapest, cost[cheapest]))] = np.arange(1, len(cheapest) + 1)  # no ties, and none that is zero
    graph = coo_array((weight, (low[cheapest], high[cheapest])), shape=(len(nodes), len(nodes)))
    taken = np.rint(minimum_spanning_tree(graph.tocsr()).tocoo().data).astype(np.int64)
    by_weight = cheapest[np.argsort(weight)]
    found = np.zeros(len(child), np.bool_)
    found[by_weight[taken - 1]] = True
    return found & ~chosen


def _edges(pairs: pa.Table, child: Ids, parent: Ids) -> list[TreeEdge]:
    """The drawn pairs between nodes; several pairs of the same two nodes, by way of copies, are one edge."""
    found: dict[tuple[int, int], TreeEdge] = {}
    columns = ("directed", "nearest", "told_first", "relation", "by", "log10_evalue", "components")
    rows = zip(child.tolist(), parent.tolist(), *(pairs[c].to_pylist() for c in columns), strict=True)
    for c, p, directed, nearest, told, relation, by, evalue, components in rows:
        drawn: Drawn = "nearest" if nearest else "told" if told else "spanning"
        edge = TreeEdge(c, p, directed, tuple(relation), by, evalue, tuple(components), drawn)
        key = (min(c, p), max(c, p))
        known = found.get(key)
        if known and known.directed and directed and known.child != c:
            found[key] = _untold(known)
        elif known is None or (not known.by.endswith(_CIRCLE) and _says_more(edge, known)):
            found[key] = edge
    return [found[key] for key in sorted(found)]


def _says_more(edge: TreeEdge, than: TreeEdge) -> bool:
    order = ("nearest", "told", "spanning")
    return (not edge.directed, order.index(edge.drawn)) < (not than.directed, order.index(than.drawn))


def _untold(edge: TreeEdge) -> TreeEdge:
    """The edge without its direction, which others contradict."""
    return replace(edge, directed=False, by=edge.by + _CIRCLE)


def _without_circles(edges: Sequence[TreeEdge]) -> list[TreeEdge]:
    """The edges, undirected where directions run in a circle: then at least one of them is wrong."""
    directed = [e for e in edges if e.directed]
    if not directed:
        return list(edges)
    ends = np.array([(e.parent, e.child) for e in directed], np.int64)
    nodes, numbers = np.unique(ends, return_inverse=True)
    numbers = numbers.reshape(ends.shape)
    labels = _connected(len(nodes), numbers[:, 0], numbers[:, 1], strong=True)
    group = dict(zip(nodes.tolist(), labels.tolist(), strict=True))
    return [_untold(e) if e.directed and group[e.child] == group[e.parent] else e for e in edges]


def _grouped(models: Sequence[TreeModel], ids: Ids, nodes: Ids, edges: Sequence[TreeEdge]) -> Trees:
    """The nodes that have an edge or a copy, with their families: groups that edges connect, the largest first."""
    facts = {m.model_id: m for m in models}
    copies: dict[int, list[tuple[int, str, str]]] = {}
    for model, node in zip(ids.tolist(), nodes.tolist(), strict=True):
        other = facts[model]
        copies.setdefault(node, []).extend([(model, other.name, other.source)] if model != node else [])
    linked = {end for e in edges for end in (e.child, e.parent)}
    named = [m for m in models if m.model_id in copies and (copies[m.model_id] or m.model_id in linked)]
    named.sort(key=lambda m: (m.name, m.source, m.model_id))
    number = {m.model_id: place for place, m in enumerate(named)}
    ends = np.array([(number[e.child], number[e.parent]) for e in edges], np.int64).reshape(-1, 2)
    labels = _connected(len(named), ends[:, 0], ends[:, 1])
    groups, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    family = np.empty(len(groups), np.int64)
    family[np.lexsort((first, -sizes))] = np.arange(1, len(groups) + 1)
    placed = zip(named, family[labels].tolist(), strict=True)
    found = [
        TreeNode(m.model_id, m.name, m.source, group, tuple(copies[m.model_id]), m.model_id >= INFERRED)
        for m, group in placed
    ]
    return Trees(tuple(sorted(found, key=lambda n: (n.family, number[n.node_id]))), tuple(edges))


def of_families(trees: Trees, models: Collection[int]) -> Trees:
    """The families that hold one of these models, whole, with their numbers."""
    wanted = {n.family for n in trees.nodes if n.node_id in models or any(copy in models for copy, _, _ in n.copies)}
    nodes = tuple(n for n in trees.nodes if n.family in wanted)
    kept = {n.node_id for n in nodes}
    return Trees(nodes, tuple(e for e in trees.edges if e.child in kept))
