"""Families of known trees, as vectors: ancestors are on the way, siblings, descendants and merges are not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.lineage import family as lineage
from forebear.queries.lineage.merges import on_lines

WIDTH = 20_000


class Tree:
    """Models as vectors; every child adds an independent change to its parent."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.root = self.change(1.0)

    def change(self, size: float) -> NDArray[np.float64]:
        return size * self.random.standard_normal(WIDTH) / np.sqrt(WIDTH)


def family_of(members: list[NDArray[np.float64]], query: NDArray[np.float64]) -> lineage.Family:
    vectors = np.stack([*members, query])
    squared = np.square(vectors[:, None] - vectors[None]).sum(axis=2)
    found = on_lines(squared)
    count = len(members)
    merges = frozenset(m for m in found if m != count)
    mine = frozenset(m for m in merges if count in found[m])
    return lineage.Family(squared, found.get(count), merges, mine, {})


@pytest.mark.parametrize("seed", range(5))
def test_a_parent_is_on_the_way_and_siblings_that_drift_alike_are_not(seed: int) -> None:
    tree = Tree(seed)
    alike = tree.change(0.08)
    query = tree.root + alike + tree.change(0.05)
    siblings = [tree.root + alike + tree.change(0.05) for _ in range(2)]
    others = [tree.root + tree.change(0.07) for _ in range(4)]
    family = family_of([tree.root, *siblings, *others], query)
    assert family.squared[1, -1] < family.squared[0, -1], "the sibling is nearer than the parent"
    assert family.ancestors() == [0]


@pytest.mark.parametrize("seed", range(5))
def test_children_are_not_ancestors_of_their_parent(seed: int) -> None:
    tree = Tree(seed)
    query = tree.root + tree.change(0.08)
    children = [query + tree.change(0.04) for _ in range(3)]
    others = [tree.root + tree.change(0.07) for _ in range(5)]
    family = family_of([tree.root, *children, *others], query)
    assert family.ancestors() == [0]


def test_a_root_has_no_ancestor_in_its_family() -> None:
    tree = Tree(1)
    family = family_of([tree.root + tree.change(0.06) for _ in range(6)], tree.root)
    assert family.ancestors() == []


def test_grandparent_and_parent_are_both_on_the_way() -> None:
    tree = Tree(2)
    parent = tree.root + tree.change(0.08)
    query = parent + tree.change(0.08)
    others = [tree.root + tree.change(0.07) for _ in range(4)]
    family = family_of([parent, tree.root, *others], query)
    assert family.ancestors() == [0, 1]
    assert family.squared[0, -1] < family.squared[1, -1]


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_a_merge_names_both_parents_and_is_nobodys_ancestor(share: float) -> None:
    tree = Tree(3)
    first, second = tree.root + tree.change(0.08), tree.root + tree.change(0.07)
    merge = share * first + (1 - share) * second + tree.change(0.001)
    others = [tree.root + tree.change(0.07) for _ in range(3)]
    assert family_of([tree.root, first, second, *others], merge).query_parents == (1, 2)
    family = family_of([tree.root, merge, second, *others], first)
    assert 1 in family.merges_of_query and 1 not in family.ancestors()


def test_a_chain_of_fine_tunes_is_no_merge() -> None:
    tree = Tree(4)
    middle = tree.root + tree.change(0.08)
    last = middle + tree.change(0.08)
    assert family_of([tree.root, last], middle).query_parents is None


def test_two_models_alone_say_nothing_about_who_came_first() -> None:
    tree = Tree(5)
    family = family_of([tree.root], tree.root + tree.change(0.1))
    assert family.ancestors() == [0] and not family.told(0)


def test_siblings_that_exclude_each_other_are_tied_with_what_they_come_from() -> None:
    tree = Tree(6)
    alike = tree.change(0.08)
    query = tree.root + alike + tree.change(0.05)
    siblings = [tree.root + alike / 2 + tree.change(0.04) for _ in range(2)]
    others = [tree.root + tree.change(0.07) for _ in range(4)]
    family = family_of([*siblings, tree.root, *others], query)
    assert family.squared[0, -1] < family.squared[2, -1], "both siblings are nearer than the parent"
    assert family.common_ancestors([0, 1], [0, 1, 2]) == [2]


def test_a_parent_and_its_child_in_one_tie_need_nobody_else() -> None:
    tree = Tree(7)
    parent = tree.root + tree.change(0.05)
    query = parent + tree.change(0.05)
    child = parent + tree.change(0.04)
    others = [tree.root + tree.change(0.07) for _ in range(4)]
    family = family_of([parent, child, tree.root, *others], query)
    assert family.common_ancestors([0, 1], [0, 1, 2]) == []


def test_the_coarser_of_two_copies_is_the_copy() -> None:
    tree = Tree(8)
    rounded = tree.root + tree.change(0.005)
    far = tree.root + tree.change(0.5)
    vectors = np.stack([rounded, far, tree.root, tree.root + tree.change(0.1)])
    squared = np.square(vectors[:, None] - vectors[None]).sum(axis=2)
    assert lineage._copies(squared, [29.6, 12.0, 31.5, 31.5]) == {0: 2}
    assert lineage._copies(squared, [31.4, 31.5, 31.5, 31.5]) == {}
