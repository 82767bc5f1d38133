"""The order in which a family is drawn as a tree: every edge once, every model in full once.

A family is a graph: merges have several parents, and undirected edges lead both ways. It is drawn from the models that
no told edge leads to, the one that most are told to come from first; told edges are followed before undirected ones, so
that a model hangs below what it is told to come from. An edge that leads to a model which is drawn already stands as a
line that only names it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ....queries.answers.family_trees import TreeEdge, Trees


@dataclass(frozen=True, slots=True)
class Line:
    """A node on its line, `depth` edges below a top; `edge` leads to it, None for a top.

    `again` says that the node is drawn in full on another line. `last` says of every level down to this one whether
    nothing more hangs there.
    """

    node: int
    edge: TreeEdge | None
    depth: int
    again: bool
    last: tuple[bool, ...]


def outline(trees: Trees) -> list[Line]:
    """The lines of all families, one family below another, in their order."""
    edges: dict[int, list[TreeEdge]] = defaultdict(list)
    for edge in trees.edges:
        edges[edge.parent].append(edge)
        edges[edge.child].append(edge)
    order = {node.node_id: place for place, node in enumerate(trees.nodes)}
    hangs = _hanging([n.node_id for n in trees.nodes], edges, order)
    found: list[Line] = []
    for top in hangs.tops:
        found += _below(top, hangs.below)
    family = {node.node_id: node.family for node in trees.nodes}
    return sorted(found, key=lambda line: family[line.node])


@dataclass(frozen=True, slots=True)
class _Hanging:
    """The tops, and below each node (edge, node, again)."""

    tops: Sequence[int]
    below: Mapping[int, Sequence[tuple[TreeEdge, int, bool]]]


def _hanging(nodes: Sequence[int], edges: Mapping[int, list[TreeEdge]], order: Mapping[int, int]) -> _Hanging:
    below: dict[int, list[tuple[TreeEdge, int, bool]]] = defaultdict(list)
    drawn: set[int] = set()
    used: set[int] = set()
    tops = []
    for top in sorted(nodes, key=lambda node: _top_order(node, edges[node], order)):
        if top in drawn:
            continue
        tops.append(top)
        drawn.add(top)
        told, untold = deque([top]), deque([top])
        while told or untold:
            directed = bool(told)
            node = told.popleft() if directed else untold.popleft()
            for edge in edges[node]:
                if id(edge) in used or edge.directed is not directed or (directed and edge.parent != node):
                    continue
                used.add(id(edge))
                other = edge.child if edge.parent == node else edge.parent
                below[node].append((edge, other, other in drawn))
                if other not in drawn:
                    drawn.add(other)
                    told.append(other)
                    untold.append(other)
    return _Hanging(tops, {node: sorted(found, key=lambda b: _line_order(b, order)) for node, found in below.items()})


def _top_order(node: int, edges: Sequence[TreeEdge], order: Mapping[int, int]) -> tuple[bool, int, int, int]:
    """First what nothing is told to lead to; of those what most come from, then what has most neighbours."""
    above = any(e.directed and e.child == node for e in edges)
    return above, -sum(e.directed and e.parent == node for e in edges), -len(edges), order[node]


def _line_order(hanging: tuple[TreeEdge, int, bool], order: Mapping[int, int]) -> tuple[bool, bool, int]:
    edge, node, again = hanging
    return not edge.directed, again, order[node]


def _below(top: int, below: Mapping[int, Sequence[tuple[TreeEdge, int, bool]]]) -> Iterator[Line]:
    """The lines of one top, depth first, without recursion: a chain of models may be long."""
    waiting = [Line(top, None, 0, False, ())]
    while waiting:
        line = waiting.pop()
        yield line
        hanging = () if line.again else below.get(line.node, ())
        for place in reversed(range(len(hanging))):
            edge, node, again = hanging[place]
            last = (*line.last, place == len(hanging) - 1)
            waiting.append(Line(node, edge, line.depth + 1, again, last))
