"""Tails and combinations agree with scipy where scipy does not underflow, and go on where it does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forebear.queries.statistics.pvalues import (
    EXACT_COUNTS,
    bonferroni,
    cauchy,
    clustered_tail,
    fisher,
    log_sf,
    sidak,
    smallest_of_kinds,
)
from forebear.queries.thresholds.significance import KIND_TESTS, MIDDLE_P, SIGNIFICANT_LOG10_E, TAIL_P

p_values = st.lists(st.floats(1e-12, 1.0), min_size=1, max_size=40)


@given(p_values)
def test_fisher_agrees_with_scipy(p: list[float]) -> None:
    expected = stats.combine_pvalues(p, "fisher")[1]
    assert np.exp(fisher(np.log(p))) == pytest.approx(expected, rel=1e-6, abs=1e-14)


def test_fisher_of_tiny_p_values_does_not_underflow() -> None:
    assert fisher(np.full(32, -50_000.0)) == pytest.approx(-32 * 50_000.0, rel=1e-3)


@given(st.lists(st.floats(1e-7, 0.99), min_size=1, max_size=40))
def test_cauchy_agrees_with_its_definition(p: list[float]) -> None:
    expected = stats.cauchy.sf(np.mean(np.tan((0.5 - np.array(p)) * np.pi)))
    assert np.exp(cauchy(np.log(p))) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_cauchy_of_one_tiny_p_value_is_that_times_the_number_tried() -> None:
    log_p = np.array([-10_000.0, -0.1, -2.0, 0.0])
    assert cauchy(log_p) == pytest.approx(-10_000.0 + np.log(4))


def test_combinations_of_nothing_prove_nothing() -> None:
    assert fisher(np.empty(0)) == cauchy(np.empty(0)) == 0.0
    assert fisher(np.zeros(5)) == 0.0


@pytest.mark.parametrize("comparable", [None, 1, 2, 3, 4])
def test_the_smallest_p_of_kinds_is_never_smaller_for_a_larger_one(comparable: int | None) -> None:
    found = [smallest_of_kinds(log10_p, 4, comparable) for log10_p in np.linspace(-12, 0, 4001)]
    assert np.diff(found).min() >= 0 and found[-1] == 0.0
    assert smallest_of_kinds(-1e-18, 4, comparable) == 0.0


@given(st.floats(-400_000.0, np.log10(TAIL_P)), st.integers(1, 4))
def test_what_can_be_significant_pays_for_all_kinds(log10_p: float, comparable: int) -> None:
    assert smallest_of_kinds(log10_p, 4, comparable) == smallest_of_kinds(log10_p, 4, None) == log10_p + np.log10(4)
    assert np.log10(4 * TAIL_P) >= SIGNIFICANT_LOG10_E, "nothing above can be significant in any registry"


@given(st.floats(np.log10(MIDDLE_P), -1e-6), st.integers(1, 4))
def test_in_the_middle_a_comparable_kind_counts_as_a_share_of_a_test(log10_p: float, comparable: int) -> None:
    tests = KIND_TESTS * comparable
    assert 10 ** smallest_of_kinds(log10_p, 4, comparable) == pytest.approx(1 - (1 - 10**log10_p) ** tests)
    assert smallest_of_kinds(log10_p, 4, None) == min(0.0, log10_p + np.log10(4))


def neyman(count: int, clusters: float, size: float) -> float:
    """P(X >= count) as its definition has it: a Poisson number of clusters, and a Poisson number of events in them."""
    numbers = np.arange(400)
    return float(np.sum(stats.poisson.pmf(numbers, clusters) * stats.poisson.sf(count - 1, numbers * size)))


@given(st.integers(0, 40), st.floats(1e-3, 8.0), st.floats(0.01, 1.0))
def test_clustered_tails_are_exact_for_few_events_and_never_too_small_for_many(
    count: int, clusters: float, size: float
) -> None:
    found = clustered_tail(np.array([count]), np.array([clusters * size]), np.array([size]))[0]
    expected = neyman(count, clusters, size)
    assert np.exp(found) >= expected * (1 - 1e-6) - 1e-13
    if count <= EXACT_COUNTS and expected > 1e-8:
        assert np.exp(found) == pytest.approx(expected, rel=1e-3)
    elif expected > 1e-200:
        assert found <= np.log(expected) + 8, "a bound, and no loose one"


def test_clustered_tails_fall_with_the_count_and_do_not_underflow() -> None:
    counts = np.arange(449)
    tails = clustered_tail(counts, np.array(0.25), np.array(0.055))
    assert tails[0] == 0 and (np.diff(tails) <= 0).all()
    assert -2000 < tails[-1] < -1000


def test_small_clusters_are_independent_events() -> None:
    tails = clustered_tail(np.arange(1, 9), np.array(2.0), np.array(1e-4))
    assert np.exp(tails) == pytest.approx(stats.poisson.sf(np.arange(8), 2.0), rel=1e-3)


def test_normal_tail_goes_far() -> None:
    assert log_sf(np.array([1000.0]))[0] == pytest.approx(-500_007.8, rel=1e-6)


def test_bonferroni_never_exceeds_one() -> None:
    assert bonferroni(np.array([-1.0]), 100.0)[0] == 0.0


@given(st.floats(1e-9, 1.0), st.integers(1, 64))
def test_sidak_is_the_chance_that_the_smallest_of_independent_p_values_is_as_small(p: float, tried: int) -> None:
    found = sidak(np.array([np.log(p)]), np.array([float(tried)]))[0]
    expected = stats.beta.cdf(p, 1, tried)
    assert np.exp(found) == pytest.approx(expected, rel=1e-6)
    assert found <= bonferroni(np.array([np.log(p)]), float(tried))[0] + 1e-12


def test_sidak_is_bonferroni_where_p_underflows() -> None:
    tried = np.array([30.0, 30.0])
    far = np.array([-40_000.0, np.log(1e-13)])
    assert np.allclose(sidak(far, tried), bonferroni(far, 30.0), rtol=1e-12, atol=0)


def test_the_best_of_many_strangers_combines_as_one_draw_each() -> None:
    random = np.random.default_rng(3)
    best = np.log(random.uniform(size=(2000, 30, 30)).min(axis=2))
    corrected = sidak(best, np.full(best.shape, 30.0))
    combined = np.array([fisher(row) for row in corrected])
    assert np.mean(combined < np.log(0.1)) == pytest.approx(0.1, abs=0.03)
    conservative = np.array([fisher(bonferroni(row, 30.0)) for row in best])
    assert np.mean(conservative < np.log(0.1)) < 0.03
