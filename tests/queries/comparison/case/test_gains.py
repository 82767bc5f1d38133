"""Figures of norm gains: exact means over every order of the values, and what a comparison says of them in words."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebear.queries.comparison.case.gains import (
    gain_row,
    gain_summaries,
    gains_sentence,
    mean_difference,
    mixed_layers,
    pair_gains,
    shown_layers,
)
from forebear.queries.comparison.case.question import Case, CaseModel

VALUES = st.lists(st.floats(-4, 4, width=16), min_size=2, max_size=5)


def row(x: list[float], y: list[float]):  # type: ignore[no-untyped-def]
    found = gain_row("a", "b", "attention", (3, 3), np.array(x), np.array(y))
    assert found is not None
    return found


@given(VALUES, st.randoms(use_true_random=False))
def test_shuffled_figures_are_the_means_over_every_order(x: list[float], random) -> None:  # type: ignore[no-untyped-def]
    y = [random.uniform(0.5, 2) for _ in x]
    found = row(x, y)
    a, b = np.array(x), np.array(y)
    orders = [np.array(order) for order in itertools.permutations(b)]
    difference = np.mean([np.abs(a - order).mean() for order in orders])
    assert math.isclose(found.shuffled_difference, difference, abs_tol=1e-9)
    if not np.linalg.norm(a):
        assert math.isnan(found.cosine)
        return
    cosines = [float(a @ order / np.linalg.norm(a) / np.linalg.norm(order)) for order in orders]
    assert math.isclose(found.shuffled_cosine, float(np.mean(cosines)), abs_tol=1e-9)
    assert math.isclose(found.shuffled_sd, float(np.std(cosines)), abs_tol=1e-9)
    if found.shuffled_sd > 1e-6:
        assert math.isclose(found.z, (found.cosine - found.shuffled_cosine) / found.shuffled_sd, abs_tol=1e-6)


def test_the_mean_difference_of_all_pairs_is_that_of_all_pairs() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=70), random.normal(1, 2, size=50)
    assert math.isclose(mean_difference(x, y), float(np.abs(x[:, None] - y[None, :]).mean()))


def test_gains_of_unequal_widths_have_no_figures() -> None:
    assert gain_row("a", "b", "ffn", (0, 0), np.ones(3), np.ones(4)) is None


def test_constant_gains_have_a_cosine_of_one_and_no_centred_one() -> None:
    found = row([1.0, 1.0, 1.0], [2.0, 2.0, 2.0])
    assert found.cosine == pytest.approx(1) and found.shuffled_cosine == pytest.approx(1)
    assert math.isnan(found.centred_cosine) and math.isnan(found.z)
    assert math.isnan(gain_summaries([found])[0].largest_z)


def test_what_stands_outside_the_layers_is_in_no_mean() -> None:
    gains = {"attention": {0: np.array([1.0, 2.0])}, "final": {-1: np.array([1.0, 2.0])}}
    found = pair_gains({"a": gains, "b": gains})
    assert [one.slot for one in found] == ["attention"]


def test_a_comparison_says_its_gains_in_numbers() -> None:
    near, far = {"attention": {0: np.array([1.0, 1.1, 0.9])}}, {"attention": {0: np.array([0.9, 1.1, 1.0])}}
    said = gains_sentence(pair_gains({"A": near, "B": near, "C1": far}))
    assert "attention 1.00 (shuffled 0.99, with controls 1.00 to 1.00), centred 1.00" in said
    assert "no layers of A and B have gains of one width" in gains_sentence(())


def test_layers_that_are_shown_come_from_the_shallowest_model() -> None:
    models = (CaseModel("a", "org/a", "accused"), CaseModel("b", "org/b", "parent"))
    gain = np.ones(2)
    gains = {"a": {"ffn": dict.fromkeys(range(12), gain)}, "b": {"ffn": dict.fromkeys(range(8), gain)}}
    case = Case("t", "", models)
    layers = shown_layers(case, gains)
    assert layers == (2, 4, 6) and mixed_layers(case, gains, layers) == {"a": 2, "b": 4}
    assert shown_layers(case, {"a": {}, "b": {}}) == () and mixed_layers(case, {"a": {}}, ()) == {"a": 0}
    given = Case("t", "", models, layers=(1,), mixed={"b": 5})
    assert shown_layers(given, gains) == (1,) and mixed_layers(given, gains, (1,)) == {"a": 1, "b": 5}
