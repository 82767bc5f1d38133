"""The figures of the comparison, on scores whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.peers.methods.csu import combined, log_t_tail
from benchmarks.peers.metrics import auc, place, rate_without_false_positives, shares_at_most


def test_auc_is_the_chance_that_a_positive_scores_higher_and_counts_ties_half() -> None:
    low, high = np.array([0.1, 0.2, 0.3]), np.array([0.7, 0.8])
    assert auc(high, low) == 1.0
    assert auc(low, high) == 0.0
    assert auc(np.array([0.5]), np.array([0.5])) == 0.5
    assert auc(np.array([1.0, 2.0]), np.array([1.5, 0.5])) == 0.75


def test_a_pair_that_cannot_be_compared_is_the_weakest_answer() -> None:
    assert auc(np.array([math.nan]), np.array([-5.0])) == 0.0
    assert auc(np.array([math.nan]), np.array([math.nan])) == 0.5
    assert rate_without_false_positives(np.array([math.nan, 1.0]), np.array([math.nan])) == 0.5


def test_only_scores_above_every_negative_are_found() -> None:
    positives = np.array([0.4, 0.5, 0.6, 0.7])
    assert rate_without_false_positives(positives, np.array([0.5, -1.0])) == 0.5
    assert rate_without_false_positives(positives, np.array([0.7])) == 0.0


def test_without_positives_there_is_no_figure() -> None:
    nothing = np.empty(0)
    assert math.isnan(auc(nothing, np.ones(2)))
    assert math.isnan(rate_without_false_positives(nothing, np.ones(2)))


def test_a_tie_shares_the_better_rank_and_its_size_is_told() -> None:
    found = place({"a": 3.0, "b": 3.0, "c": 1.0, "d": math.nan}, ["b"])
    assert (found.best, found.every, found.tie) == (1, 1, 2)
    merged = place({"a": 3.0, "b": 2.0, "c": 1.0}, ["a", "c"])
    assert (merged.best, merged.every) == (1, 3)
    assert place({"a": 1.0, "b": math.nan}, ["b"]).best == math.inf


def test_shares_of_uniform_p_values_are_the_thresholds() -> None:
    p = np.log10((np.arange(1000) + 0.5) / 1000)
    assert shares_at_most(p, [0.5, 0.01]) == [0.5, 0.01]


def test_tails_go_on_where_floating_point_ends() -> None:
    assert log_t_tail(3.0, 50) == pytest.approx(math.log(stats.t.sf(3.0, 50)))
    assert combined([-1.0, -2.0]) == pytest.approx(math.log(stats.chi2.sf(6.0, 4)))
    near, far = log_t_tail(1e4, 60), log_t_tail(1e9, 60)
    assert math.isfinite(far)
    assert far - near == pytest.approx(-60 * math.log(1e5), rel=1e-3)
