"""Trees from distances, and where they can be rooted: known trees come back, orders are counted."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from forebear.queries.lineage.rooting import Known, observed_above, parents_from, root_probabilities
from forebear.queries.lineage.tree import Tree, joined, neighbour_joining, placed

from .additive import additive


def inside(squared: NDArray[np.float64]) -> Tree:
    tree = joined(neighbour_joining(squared), 1e-9)
    return placed(tree, [leaf for leaf, way in tree.own_way.items() if way < 1e-9])


def ancestor_probability(tree: Tree, known: Known, candidate: int, query: int) -> float:
    return sum(
        p
        for root, p in root_probabilities(tree, known).items()
        if candidate in observed_above(tree, parents_from(tree, root), query)
    )


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0.1, 2.0)), min_size=1, max_size=9))
def test_neighbour_joining_gives_back_the_ways_of_an_additive_tree(steps: list[tuple[int, float]]) -> None:
    parents = [number % (i + 1) for i, (number, _) in enumerate(steps)]
    squared = additive(parents, [length for _, length in steps])
    tree = neighbour_joining(squared)
    ways = {node: {node: 0.0} for node in tree.neighbours}
    for _ in ways:
        for a, b, length in tree.edges:
            for one, other in ((a, b), (b, a)):
                for node, way in list(ways[one].items()):
                    ways[other][node] = min(ways[other].get(node, math.inf), way + length)
    assert all(ways[i][j] == pytest.approx(squared[i, j], abs=1e-6) for i, j in np.ndindex(*squared.shape))


def test_a_model_between_others_is_placed_inside_the_tree_and_leaves_are_not() -> None:
    tree = inside(additive([0, 1, 1], [1.0, 1.0, 1.0]))  # 0 - 1 - 2 and 1 - 3
    assert sorted(tree.neighbours[1]) == [0, 2, 3]
    assert {n: len(tree.neighbours[n]) for n in (0, 2, 3)} == {0: 1, 2: 1, 3: 1}


@pytest.mark.parametrize(("leaves", "probability"), [(2, 0.75), (10, 0.95), (4, 0.875)])
def test_in_a_star_the_hub_is_an_ancestor_of_a_leaf_but_for_one_in_twice_the_leaves(
    leaves: int, probability: float
) -> None:
    star = inside(additive([0] * leaves, [1.0] * leaves))
    assert ancestor_probability(star, Known(), 0, 1) == pytest.approx(probability)
    assert ancestor_probability(star, Known(), 1, 0) == pytest.approx(1 / (2 * leaves))


def test_roots_count_as_many_orders_as_enumeration_finds() -> None:
    parents = [0, 0, 1, 1, 2]
    tree = inside(additive(parents, [1.0] * 5))
    edges = {frozenset((child + 1, parent)) for child, parent in enumerate(parents)}
    orders = {root: 0 for root in range(6)}
    for order in itertools.permutations(range(6)):
        seen = {order[0]}
        for node in order[1:]:
            if not any(frozenset((node, other)) in edges for other in seen):
                break
            seen.add(node)
        else:
            orders[order[0]] += 1
    found = root_probabilities(tree, Known())
    assert {n: found[n] for n in range(6)} == pytest.approx({n: c / sum(orders.values()) for n, c in orders.items()})


def test_the_newest_is_no_ancestor_and_a_known_root_decides() -> None:
    chain = inside(additive([0, 1], [1.0, 1.0]))
    assert ancestor_probability(chain, Known(newest=2), 1, 2) == 1.0
    assert ancestor_probability(chain, Known(newest=2), 2, 1) == 0.0
    assert root_probabilities(chain, Known(root=0)) == {0: 1.0}
    assert ancestor_probability(chain, Known(root=0), 1, 2) == 1.0
    assert not root_probabilities(chain, Known(newest=1)), "what stands between two is not the newest"


def test_dates_take_roots_away() -> None:
    chain = inside(additive([0, 1], [1.0, 1.0]))
    assert root_probabilities(chain, Known(order={0: 1.0, 1: 2.0, 2: 3.0})) == {0: 1.0}
    found = root_probabilities(chain, Known(order={1: 1.0, 0: 2.0, 2: 3.0}))
    assert found == {1: 1.0}
    assert not root_probabilities(chain, Known(order={0: 1.0, 2: 2.0, 1: 3.0})), "the middle came last: contradiction"


def test_a_hidden_node_has_as_many_places_as_the_dates_leave() -> None:
    siblings = neighbour_joining(additive([0, 0, 0], [1.0, 1.0, 1.0])[1:, 1:])
    assert max(siblings.neighbours) == 3, "their parent is hidden"
    found = root_probabilities(siblings, Known(order={0: 1.0, 1: 2.0, 2: 3.0}))
    assert found == pytest.approx({0: 0.5, 3: 0.5})
