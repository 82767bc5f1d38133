"""Where a family's tree is rooted: a root counts as often as there are orders in which its nodes can have appeared.

Distances have no arrow, and an unrooted tree fits every root. If every model was made from one that was there, and all
such histories count alike, a root is as likely as the number of orders that it allows: n! over the product of the sizes
of all subtrees that hang from it (Shah and Zaman, "Rumors in a network: who's the culprit?", 2011). In a star of a hub
and k leaves the hub is an ancestor of a leaf with probability 1 - 1 / (2 k). Hidden nodes count too.

What is known of dates takes roots away, and so does what is known to be the newest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .tree import Tree


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the order: `root` is a node that came before all others, `newest` one that came after them.

    `order` gives a number to nodes whose dates are known, smaller for earlier ones.
    """

    root: int | None = None
    newest: int | None = None
    order: Mapping[int, float] | None = None


def parents_from(tree: Tree, root: int) -> dict[int, int | None]:
    """Node -> its parent when the tree hangs from `root`, parents before their children."""
    found: dict[int, int | None] = {root: None}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        for other in tree.neighbours.get(node, ()):
            if other not in found:
                found[other] = node
                waiting.append(other)
    return found


def root_probabilities(tree: Tree, known: Known) -> dict[int, float]:
    """Node -> the probability that it is the root; empty where what is known contradicts every root."""
    nodes = list(tree.neighbours)
    candidates = [known.root] if known.root is not None else nodes
    logs = {root: _log_orders(tree, root, known) for root in candidates}
    largest = max(logs.values(), default=-math.inf)
    if largest == -math.inf:
        return {}
    weights = {root: math.exp(value - largest) for root, value in logs.items() if value > -math.inf}
    total = sum(weights.values())
    return {root: weight / total for root, weight in weights.items()}


def _log_orders(tree: Tree, root: int, known: Known) -> float:
    """The logarithm of the number of orders that the tree allows when it hangs from `root`; -inf for none.

    Where the dates of all observed nodes are known, only the hidden ones have a choice: each of the places that the
    dates of those above and below it leave.
    """
    parents = parents_from(tree, root)
    children: dict[int, list[int]] = {node: [] for node in parents}
    for node, parent in parents.items():
        if parent is not None:
            children[parent].append(node)
    if known.newest is not None and (children[known.newest] or (known.newest == root and len(parents) > 1)):
        return -math.inf
    order = known.order or {}
    if not _consistent(parents, order):
        return -math.inf
    if order and all(node in order for node in parents if node < tree.observed):
        return _log_places(tree, parents, children, order)
    newest = {known.newest} if known.newest is not None else set()
    return _log_hook(parents, children, newest)


def _consistent(parents: Mapping[int, int | None], order: Mapping[int, float]) -> bool:
    """Whether no node is dated before one that it descends from; `parents` has parents first."""
    latest: dict[int, float] = {}
    for node, parent in parents.items():
        above = latest[parent] if parent is not None else -math.inf
        if order.get(node, above) < above:
            return False
        latest[node] = order.get(node, above)
    return True


def _log_hook(parents: Mapping[int, int | None], children: Mapping[int, list[int]], left_out: set[int]) -> float:
    """Log of n! / product of subtree sizes, without the nodes `left_out`, which come last."""
    sizes: dict[int, int] = {}
    for node in reversed(list(parents)):
        sizes[node] = (node not in left_out) + sum(sizes[child] for child in children[node])
    count = len(parents) - len(left_out)
    return math.lgamma(count + 1) - sum(math.log(size) for node, size in sizes.items() if node not in left_out)


def _log_places(
    tree: Tree, parents: Mapping[int, int | None], children: Mapping[int, list[int]], order: Mapping[int, float]
) -> float:
    """The sum over hidden nodes of the log of the number of places between the dates above and below each."""
    earliest: dict[int, float] = {}
    for node in reversed(list(parents)):
        below = min((earliest[child] for child in children[node]), default=math.inf)
        earliest[node] = order.get(node, below)
    latest: dict[int, float] = {}
    total = 0.0
    dated = sorted(order[node] for node in parents if node in order)
    for node, parent in parents.items():
        above = latest[parent] if parent is not None else -math.inf
        latest[node] = order.get(node, above)
        if node >= tree.observed:
            total += math.log(1 + sum(above < date < earliest[node] for date in dated))
    return total


def path_to(parents: Mapping[int, int | None], node: int) -> list[int]:
    """The nodes above `node`, its parent first, the root last."""
    found = []
    above = parents[node]
    while above is not None:
        found.append(above)
        above = parents[above]
    return found


def observed_above(tree: Tree, parents: Mapping[int, int | None], node: int) -> Iterable[int]:
    """The observed nodes above `node`, the nearest first."""
    return (other for other in path_to(parents, node) if other < tree.observed)
