"""Merges, reductions and drift of the field family, on arrays small enough to reckon by hand."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from benchmarks.field import merging, reductions
from benchmarks.field.drift import drift

RANDOM = np.random.default_rng(5)
BASE, ONE, OTHER = (RANDOM.normal(0, 1, (8, 64)).astype(np.float32) for _ in range(3))


def test_a_linear_merge_is_the_weighted_mean_and_bfloat16_rounds_its_weights_too() -> None:
    np.testing.assert_allclose(merging.linear([ONE, OTHER], (3, 1)), 0.75 * ONE + 0.25 * OTHER, atol=1e-6)
    rounded = [np.ones(4, ml_dtypes.bfloat16), np.zeros(4, ml_dtypes.bfloat16)]
    mean = merging.linear(rounded, (0.6, 0.4))
    assert mean.dtype == ml_dtypes.bfloat16
    assert float(mean[0]) == 0.6015625


def test_slerp_goes_along_the_arc_and_along_the_line_where_both_point_the_same_way() -> None:
    east, north = np.array([1.0, 0.0], np.float32), np.array([0.0, 2.0], np.float32)
    np.testing.assert_allclose(merging.slerp(east, north, 0.5), np.sqrt(0.5) * np.array([1.0, 2.0]), atol=1e-6)
    np.testing.assert_array_equal(merging.slerp(east, 3 * east, 0.5), [2.0, 0.0])
    np.testing.assert_allclose(merging.slerp(ONE, OTHER, 0.0), ONE, atol=1e-6)


def test_task_arithmetic_adds_weighted_changes_to_the_base() -> None:
    expected = BASE + 2.0 * (0.5 * (ONE - BASE) + 0.25 * (OTHER - BASE))
    np.testing.assert_allclose(merging.task_arithmetic(BASE, [ONE, OTHER], (0.5, 0.25), 2.0), expected, atol=1e-5)


def test_ties_keeps_the_largest_changes_and_averages_only_those_of_the_elected_sign() -> None:
    base = np.zeros(4, np.float32)
    one, other = np.array([4, 1, -3, 0.1], np.float32), np.array([2, 0.2, 5, 0.1], np.float32)
    np.testing.assert_allclose(merging.ties(base, [one, other], (1, 1), 0.5), [3, 0, 5, 0], atol=1e-6)


def test_what_is_trimmed_to_a_density_has_so_many_values_and_they_are_the_largest() -> None:
    kept = merging.trimmed(ONE, 0.3)
    assert (kept != 0).sum() == int(0.3 * ONE.size)
    assert np.abs(ONE[kept == 0]).max() <= np.abs(kept[kept != 0]).min()
    np.testing.assert_array_equal(merging.trimmed(ONE, 1.0), ONE)


def test_dare_drops_a_share_of_each_change_keeps_its_norm_and_follows_its_seed() -> None:
    change = merging.thinned(ONE, 0.5, np.random.default_rng(1))
    assert 0.4 < (change == 0).mean() < 0.6
    assert np.abs(change).sum() == pytest.approx(np.abs(ONE).sum(), rel=1e-5)
    first, again, another = (merging.dare_linear(BASE, [ONE], (1.0,), 0.5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != another).any()


def test_nf4_has_sixteen_levels_in_a_block_and_keeps_its_largest_value() -> None:
    rounded = reductions.nf4(ONE)
    assert all(len(np.unique(row)) <= 16 for row in rounded)
    assert np.abs(rounded).max(axis=1) == pytest.approx(np.abs(ONE).max(axis=1))
    assert 0.05 < np.linalg.norm(rounded - ONE) / np.linalg.norm(ONE) < 0.12
    np.testing.assert_array_equal(reductions.nf4(rounded), rounded)


def test_layers_are_counted_anew_after_a_cut_and_remember_their_names() -> None:
    state = {"embeddings.weight": BASE} | {f"encoder.layer.{i}.dense.weight": BASE + i for i in range(4)}
    left, before = reductions.cut(state, (0, 3))
    assert [*left] == ["embeddings.weight", "encoder.layer.0.dense.weight", "encoder.layer.1.dense.weight"]
    assert before["encoder.layer.1.dense.weight"] == "encoder.layer.3.dense.weight"
    assert drift(left, state, before).equal == 1.0


def test_noise_is_as_large_in_every_matrix_and_leaves_vectors_alone() -> None:
    state = {"a": BASE, "b": 100 * BASE, "norm": BASE[0]}
    found = reductions.noisy(state, 0.01, seed=3)
    assert drift({"a": found["a"]}, state, {}).relative == pytest.approx(0.01, rel=0.1)
    assert drift({"b": found["b"]}, state, {}).relative == pytest.approx(0.01, rel=0.1)
    np.testing.assert_array_equal(found["norm"], state["norm"])


def test_eight_bits_are_at_most_half_a_step_away() -> None:
    rounded = reductions.eight_bits({"a": ONE})["a"]
    assert np.abs(rounded - ONE).max() <= np.abs(ONE).max() / 254 * (1 + 1e-5)
    assert len(np.unique(rounded)) <= 255


def test_drift_is_relative_to_the_parent_and_counts_values_equal_as_bfloat16() -> None:
    parent = {"a": np.ones(8, np.float32), "b": np.ones(3, np.float32)}
    child = {"a": np.array([1, 1, 1, 1, 1, 1, 1.0001, 2], np.float32), "c": np.ones(2, np.float32)}
    found = drift(child, parent, {})
    assert found.equal == 7 / 8
    assert found.relative == pytest.approx((1 / 8) ** 0.5, rel=1e-4)
    with pytest.raises(ValueError, match="share no tensor"):
        drift({"c": BASE}, parent, {})
