"""The shape of families whose trees are known: stars, chains, and what is between them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from forebear.queries.lineage.shape import FIGURES, shape
from forebear.queries.lineage.tree import neighbour_joining

from .additive import additive

STAR = additive([0] * 7, [1.0] * 7)
CHAIN = additive(list(range(7)), [1.0] * 7)


def figures(squared: NDArray[np.float64], order: Mapping[int, float] | None = None) -> dict[str, float]:
    return dict(zip(FIGURES, shape(squared, squared, order or {}).tolist(), strict=True))


def test_children_of_one_model_meet_in_the_middle_and_models_of_a_chain_do_not() -> None:
    siblings = figures(STAR[1:, 1:])
    assert siblings["middle"] == pytest.approx(1.0)
    assert siblings["inner"] == pytest.approx(0.0)
    chain = figures(CHAIN)
    assert chain["middle"] == pytest.approx(0.0)
    assert chain["inner"] == pytest.approx(5 / 7), "all but the two ends' last steps"


def test_a_registered_root_stands_between_all_pairs_of_its_children() -> None:
    of_threes = 7 * 6 * 5 / (8 * 7 * 6)  # threes without the root
    assert figures(STAR)["middle"] == pytest.approx(of_threes)


def test_two_pairs_of_siblings_have_a_way_between_them_that_nobody_registered() -> None:
    pairs = additive([0, 1, 1, 0, 4, 4], [1.0] * 6)[np.ix_([2, 3, 5, 6], [2, 3, 5, 6])]
    assert figures(pairs)["inner"] == pytest.approx(2 / 6)


def test_dates_tell_a_chain_from_a_star() -> None:
    order = {i: float(i) for i in range(8)}
    chain, star = figures(CHAIN, order), figures(STAR, order)
    assert (chain["from_previous"], chain["from_first"]) == (1.0, 0.0)
    assert (star["from_previous"], star["from_first"]) == (0.0, 1.0)
    assert chain["drifting"] > 0.9
    assert star["drifting"] < 0.5
    assert figures(STAR[1:, 1:], {i: float(i) for i in range(7)})["drifting"] == 0.0, "all are as far apart"


def test_without_all_dates_nothing_is_said_of_the_order() -> None:
    partly = figures(CHAIN, {i: float(i) for i in range(7)})
    assert [partly[name] for name in FIGURES[4:]] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("count", [1, 2])
def test_of_two_models_there_is_no_shape(count: int) -> None:
    assert set(figures(CHAIN[:count, :count], {0: 0.0, 1: 1.0}).values()) == {0.0}


def test_models_on_one_place_have_no_shape_and_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = figures(np.zeros((5, 5)), {i: float(i) for i in range(5)})
    assert all(np.isfinite(value) for value in found.values())
    assert found["middle"] == found["inner"] == found["drifting"] == 0.0


def test_figures_that_end_in_equal_are_of_the_second_distances() -> None:
    found = dict(zip(FIGURES, shape(STAR[1:, 1:], CHAIN[1:, 1:], {}).tolist(), strict=True))
    assert found["middle"] == pytest.approx(1.0) and found["middle_equal"] == pytest.approx(0.0)
    assert found["inner"] == pytest.approx(0.0) and found["inner_equal"] > 0.5


def test_distances_that_no_tree_has_count_as_no_way() -> None:
    crooked = np.array([[0.0, 1.0, 3.0], [1.0, 0.0, 1.0], [3.0, 1.0, 0.0]])  # the middle one is nearer than it can be
    assert figures(crooked)["middle"] == 0.0


@pytest.mark.parametrize("family", [STAR, CHAIN])
@pytest.mark.parametrize("copied", [0, 3])
def test_a_copy_of_a_model_changes_no_shape(family: NDArray[np.float64], copied: int) -> None:
    order = {i: float(i) for i in range(len(family))}
    places = [*range(len(family)), copied]
    with_copy = family[np.ix_(places, places)]
    assert figures(with_copy, order | {len(family): 100.0}) == figures(family, order)
    late = [copied, *range(len(family))]
    dated = {0: 100.0} | {i + 1: when for i, when in order.items()}
    assert figures(family[np.ix_(late, late)], dated) == pytest.approx(figures(family, order))


def test_a_tree_that_is_there_is_taken_where_no_copy_hangs_on_it() -> None:
    family = additive([0, 1, 1, 0, 4, 4], [1.0] * 6)
    places = [*range(len(family)), 2]
    with_copy = family[np.ix_(places, places)]
    expected = shape(family, family, {}).tolist()
    for squared in (family, with_copy):
        assert shape(squared, squared, {}, neighbour_joining(squared)).tolist() == pytest.approx(expected)
    other = neighbour_joining(STAR)
    assert shape(with_copy, with_copy, {}, other).tolist() == pytest.approx(expected)
    assert shape(family, family, {}, other).tolist() != pytest.approx(expected)


@given(st.permutations(range(8)), st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_models_of_one_date_have_no_order_of_their_own(mixed: list[int], dates: list[int]) -> None:
    branching = additive([0, 0, 1, 1, 2, 2, 3], [1.0, 1.5, 0.7, 1.1, 0.4, 0.9, 1.3])
    before = figures(branching, {i: float(date) for i, date in enumerate(dates)})
    after = figures(branching[np.ix_(mixed, mixed)], {i: float(dates[old]) for i, old in enumerate(mixed)})
    assert after == pytest.approx(before, abs=1e-9)


def test_of_models_of_one_date_alone_nothing_is_said_of_the_order() -> None:
    found = figures(CHAIN, {i: 7.0 for i in range(8)})
    assert [found[name] for name in FIGURES[4:]] == [0.0, 0.0, 0.0]


@given(
    st.lists(st.tuples(st.integers(0, 30), st.floats(0.1, 2.0)), min_size=2, max_size=9),
    st.integers(0, 1000),
    st.floats(1e-6, 1e6),
)
def test_neither_names_nor_units_change_a_shape(steps: list[tuple[int, float]], seed: int, unit: float) -> None:
    squared = additive([n % (i + 1) for i, (n, _) in enumerate(steps)], [length for _, length in steps])
    count = len(squared)
    mixed = np.random.default_rng(seed).permutation(count)
    before = figures(squared, {i: float(i) for i in range(count)})
    after = figures(unit * squared[np.ix_(mixed, mixed)], {i: float(mixed[i]) for i in range(count)})
    for name in ("middle", "inner", "drifting"):
        assert after[name] == pytest.approx(before[name], abs=1e-6)
