"""Shares of three: who went through what alone, by both distances, and what is asked of pairs without a third."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from forebear.queries.lineage.geometry import (
    FEATURES,
    Distances,
    between,
    distances_of,
    gromov_shares,
    held,
    pair_features,
    passed,
    products,
)
from forebear.queries.thresholds.lineage import RETURN_VALUES

WIDTH = 40_000


def values(*changes: float, seed: int = 1) -> np.ndarray:
    """A root and models that each add an independent change of this size to the one before it."""
    random = np.random.default_rng(seed)
    rows = [random.standard_normal(WIDTH)]
    for size in changes:
        rows.append(rows[-1] + size * random.standard_normal(WIDTH))
    return np.stack(rows).astype(np.float32)


def every(rows: np.ndarray) -> np.ndarray:
    """All pairs are asked about."""
    return np.ones((len(rows), len(rows)), np.bool_)


def measured(rows: np.ndarray) -> Distances:
    return distances_of(rows, np.ones((1, WIDTH)), np.array([1.0]))


def test_what_stands_between_two_has_no_way_of_its_own() -> None:
    shares = gromov_shares(measured(values(0.1, 0.1)).squared)
    assert shares[1, 2, 0] == pytest.approx(0, abs=0.02)  # the middle, seen from the last, over the first
    assert shares[2, 1, 0] == pytest.approx(1, abs=0.02)
    assert np.isnan(shares[1, 1, 0]) and np.isnan(shares[1, 2, 2])


def test_siblings_share_the_way_between_them() -> None:
    rows = values(0.1)
    other = rows[0] + 0.1 * np.random.default_rng(9).standard_normal(WIDTH).astype(np.float32)
    shares = gromov_shares(measured(np.stack([*rows, other])).squared)
    assert shares[1, 2, 0] == pytest.approx(0.5, abs=0.02)


def test_distances_are_relative_and_near_copies_do_not_cancel() -> None:
    rows = values(0.1, 1e-6)
    found = measured(rows)
    assert found.squared[0, 1] == pytest.approx(0.01, rel=0.05)
    assert (
        0 < found.squared[1, 2] == pytest.approx(float(np.square(rows[2] - rows[1], dtype=np.float64).mean()), rel=0.01)
    )


def test_unequal_values_are_counted_as_bfloat16_keeps_them() -> None:
    rows = values(1e-5)
    found = measured(rows)
    assert 0 < found.unequal[0, 1] < 0.05, "a change far below a step flips few values"
    assert measured(np.stack([rows[0], rows[0]])).unequal[0, 1] == 0


def test_two_models_alone_have_even_shares_and_no_other_figure() -> None:
    found = pair_features(pair := measured(values(0.1)), every(pair.values))[0, 1]
    assert dict(zip(FEATURES, found.tolist(), strict=True)) == {
        name: 0.5 if name.startswith(("share_", "equal_")) else 0.0 for name in FEATURES
    }


def test_some_values_are_kept_as_bfloat16_at_places_that_stand_for_something() -> None:
    weight = np.ones((1, WIDTH))
    weight[0, ::2] = 0
    rows = values(0.1)
    kept = distances_of(rows, weight, np.ones(1)).values
    step = -(-WIDTH // 2 // RETURN_VALUES)
    assert kept.shape[1] <= RETURN_VALUES
    np.testing.assert_array_equal(kept, rows[:, 1::2][:, ::step].astype(ml_dtypes.bfloat16).astype(np.float32))


def test_a_third_model_stands_between_a_grandparent_and_its_grandchild_and_not_the_other_way() -> None:
    odds = between(measured(values(0.1, 0.1)))
    assert odds[0, 2] < -4 and odds[1, 2] > 4  # the root, and the parent, seen from the last


def test_a_way_that_leads_through_a_third_model_passes_it_and_a_shared_drift_does_not() -> None:
    rows = values(0.1, 0.1)
    odds = passed(measured(rows))
    assert odds[0, 2] > 3 and odds[1, 2] == 0  # the root passes the parent; nothing stands behind that
    random = np.random.default_rng(8)
    shared = rows[0] + 0.1 * random.standard_normal(WIDTH)
    siblings = [shared + 0.06 * random.standard_normal(WIDTH) for _ in range(2)]
    assert passed(measured(np.stack([rows[0], *siblings]).astype(np.float32)))[0, 2] == 0


def test_a_child_that_hardly_moved_from_the_second_is_not_passed_on_the_way_to_it() -> None:
    rows = values(0.1, 0.002)
    assert passed(measured(rows))[0, 1] == 0
    assert passed(measured(values(0.1, 0.1)))[0, 1] == 0, "the child went on from there"


def test_the_mean_of_two_siblings_is_not_passed_on_the_way_to_them() -> None:
    random = np.random.default_rng(6)
    root = random.standard_normal(WIDTH)
    siblings = [root + 0.1 * random.standard_normal(WIDTH) for _ in range(2)]
    alone = np.stack([root, (siblings[0] + siblings[1]) / 2, siblings[0]]).astype(np.float32)
    assert passed(measured(alone))[0, 2] > 3, "without the other sibling it stands where a parent would"
    both = np.stack([*alone, siblings[1]]).astype(np.float32)
    assert (passed(measured(both))[0] == 0).all()


def test_what_sampling_cannot_tell_passes_nothing() -> None:
    assert (passed(measured(values(1e-4, 0.1))) == 0).all()


def test_what_sampling_cannot_tell_stands_between_nothing() -> None:
    rows = values(1e-4, 0.1)  # the last went a thousand times as far as the step before it
    assert abs(between(measured(rows))[1, 2]) < 1
    assert abs(between(measured(rows))[0, 2]) < 1


def test_a_child_holds_the_values_of_its_parent_where_a_sibling_moved() -> None:
    random = np.random.default_rng(3)
    root = np.ones(WIDTH, np.float32)
    first, query = (np.where(random.random(WIDTH) < 0.3, root * 2, root) for _ in range(2))
    odds = held(rows := np.stack([root, first, query]), every(rows))
    assert odds[0, 2] > 0.5 and odds[1, 2] < -0.5


def test_zeros_that_all_pruned_models_have_are_no_values_that_are_held() -> None:
    root = np.ones(WIDTH, np.float32)
    pruned = np.where(np.arange(WIDTH) < WIDTH // 2, 0, 3).astype(np.float32)
    query = np.where(np.arange(WIDTH) < WIDTH // 2, 0, 5).astype(np.float32)
    assert held(rows := np.stack([root, pruned, query]), every(rows))[1, 2] == 0


def test_values_are_counted_for_the_pairs_that_are_asked_about() -> None:
    random = np.random.default_rng(4)
    rows = np.round(random.standard_normal((6, WIDTH)) * 2).astype(np.float32)
    asked = np.zeros((6, 6), np.bool_)
    asked[5] = asked[:, 5] = True
    whole, some = held(rows, every(rows)), held(rows, asked)
    np.testing.assert_array_equal(some[asked], whole[asked])
    assert (some[~asked] == 0).all() and (whole[~asked & ~np.eye(6, dtype=np.bool_)] != 0).all()


def test_products_in_parts_are_those_of_whole_rows() -> None:
    first, second = (np.random.default_rng(n).standard_normal((n, 1001)) for n in (70, 3))
    np.testing.assert_allclose(products(first, second), first @ second.T, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(products(first, first), first @ first.T, rtol=1e-12, atol=1e-9)


def test_what_many_were_made_from_has_the_most_children() -> None:
    random = np.random.default_rng(5)
    root = random.standard_normal(WIDTH)
    star = np.stack([root, *(root + 0.1 * random.standard_normal(WIDTH) for _ in range(5))]).astype(np.float32)
    children = pair_features(measured(star), every(star))[:5, 5, FEATURES.index("children")]
    assert children.argmax() == 0 and children[0] > children[1:].max() + 0.5
