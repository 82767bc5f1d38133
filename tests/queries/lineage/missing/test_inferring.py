"""What a family comes from that is not registered: inferred where models meet and none of them stands."""

from __future__ import annotations

from collections.abc import Sequence

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.lineage.missing.inferring import Shared, come_from_one, identity, inferred_node, own_ways

Values = NDArray[np.float32]
TENSORS, PLACES = 8, 256


def short(values: NDArray[np.float64]) -> Values:
    return values.astype(ml_dtypes.bfloat16).astype(np.float32)


def root(seed: int = 0) -> Values:
    return short(np.random.default_rng(seed).standard_normal((TENSORS, PLACES)))


def tuned(parent: Values, size: float, seed: int, *, moved: float = 1.0) -> Values:
    """A model whose values moved by `size` of their own, a share `moved` of them at all."""
    random = np.random.default_rng(seed)
    change = size * random.standard_normal(parent.shape) * (random.random(parent.shape) < moved)
    return short(parent + change)


def shared(models: Sequence[Values]) -> Shared:
    keys = tuple((0, -1, f"q/{n}", (16, 16)) for n in range(TENSORS))
    return Shared(keys, np.stack(models), np.full((TENSORS, PLACES), 1 / (TENSORS * PLACES)))


def from_one(models: Sequence[Values], dates: Sequence[float] | None = None) -> bool:
    return come_from_one(shared(models), dates)


SIZES = (0.04, 0.05, 0.06, 0.05, 0.07)


def test_children_come_from_a_model_that_is_none_of_them_unless_it_is_there() -> None:
    children = [tuned(root(), size, seed) for seed, size in enumerate(SIZES, 1)]
    assert from_one(children)
    assert not from_one([root(), *children])


def test_four_models_are_nearly_a_star_whatever_they_are() -> None:
    assert not from_one([tuned(root(), size, seed) for seed, size in enumerate(SIZES[:4], 1)])


def test_two_children_have_no_place_between_them() -> None:
    assert not from_one([tuned(root(), 0.05, 1), tuned(root(), 0.05, 2)])


def test_a_chain_comes_from_nothing_that_could_be_told() -> None:
    chain = [root()]
    for seed in range(1, 6):
        chain.append(tuned(chain[-1], 0.05, seed))
    assert not from_one(chain) and not from_one(chain[1:])
    assert not from_one(chain, range(6)) and not from_one(chain[1:], range(5))


def test_a_sibling_that_was_hardly_trained_stands_where_the_parent_does_unless_its_date_forbids() -> None:
    children = [tuned(root(), size, seed) for seed, size in enumerate(SIZES, 1)]
    slight = tuned(root(), 0.005, 9)
    assert not from_one([*children, slight])
    assert from_one([*children, slight], range(6))  # released after all others
    assert not from_one([children[0], slight, *children[1:]], range(6))  # one older model may be its own parent
    assert not from_one([slight, *children], range(6))


def test_two_that_are_equal_tell_nothing() -> None:
    children = [tuned(root(), size, seed) for seed, size in enumerate(SIZES, 1)]
    assert not from_one([*children, children[0]])


def test_own_ways_are_those_of_a_star() -> None:
    ways = np.array([1.0, 2.0, 3.0, 0.5])
    squared = ways[:, None] + ways
    np.fill_diagonal(squared, 0.0)
    np.testing.assert_allclose(own_ways(squared), ways, rtol=1e-9)


def test_values_that_most_hold_are_the_ancestors_bit_for_bit() -> None:
    children = [tuned(root(), 0.05, seed, moved=0.2) for seed in range(1, 7)]
    node = inferred_node(shared(children))
    held = (np.stack(children) == root()).sum(axis=0) > 3
    assert np.array_equal(node.values[held], root()[held])
    assert node.exact_share == pytest.approx(held.mean(), abs=0.01)
    assert held.mean() > 0.9
    weight = node.shared.weight
    assert identity(root(), node.values, weight) > node.identities.max()


def test_the_centre_is_nearer_to_the_ancestor_than_any_child() -> None:
    children = [tuned(root(), 0.05, seed) for seed in range(1, 7)]
    node = inferred_node(shared(children))
    apart = np.square(node.values - root()).mean()
    assert apart < min(np.square(child - root()).mean() for child in children) / 3
    assert (node.log10_p < -300).all()
