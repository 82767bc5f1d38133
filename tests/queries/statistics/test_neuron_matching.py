"""The matching of neurons against all permutations, and the p-value against shuffles."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import kstest, spearmanr

from forebear.queries.statistics.neuron_matching import Neurons, Rows, log_p_of, match_neurons, matching, spearman


def rows(seed: int, count: int = 64, width: int = 24) -> Rows:
    random = np.random.default_rng(seed)
    common = random.standard_normal((3, width))
    return (random.standard_t(4, (count, width)) + random.standard_t(4, (count, 3)) @ common).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_the_matching_is_the_best_of_all(seed: int) -> None:
    a, b = rows(seed, 4, 6), rows(seed + 50, 6, 6)
    cosines = (a @ b.T) / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1)
    best = max(itertools.permutations(range(6), 4), key=lambda chosen: sum(cosines[i, j] for i, j in enumerate(chosen)))
    assert matching(a, b).tolist() == list(best)


def test_the_correlation_and_its_p_are_scipys() -> None:
    random = np.random.default_rng(0)
    a = random.permutation(40)
    b = np.argsort(a.argsort() + random.normal(0, 15, 40)).argsort()
    statistic, p = np.asarray(spearmanr(a, b, alternative="greater"))
    assert spearman(a, b) == pytest.approx(statistic)
    assert log_p_of(spearman(a, b), 40) == pytest.approx(math.log(float(p)))


def test_the_smallest_p_is_that_of_one_order_among_all() -> None:
    assert log_p_of(1.0, 20) == pytest.approx(-math.lgamma(21))
    assert log_p_of(-1.0, 20) == 0


def test_neurons_in_another_order_are_found() -> None:
    gate, up = rows(1), rows(2)
    order = np.random.default_rng(0).permutation(64)
    noise = 0.2 * np.random.default_rng(1).standard_normal(gate.shape).astype(np.float32)
    found = match_neurons(
        Neurons(gate, up), Neurons((gate + noise).astype(np.float32)[order], (up - noise).astype(np.float32)[order])
    )
    assert found is not None and found.agreement > 0.95 and found.log_p < -50


def test_a_layer_with_neurons_cut_off_is_found_from_both_sides() -> None:
    gate, up = rows(1), rows(2)
    kept = np.random.default_rng(0).permutation(64)[:40]
    for sides in (
        (Neurons(gate, up), Neurons(gate[kept], up[kept])),
        (Neurons(gate[kept], up[kept]), Neurons(gate, up)),
    ):
        found = match_neurons(*sides)
        assert found is not None and found.neurons == 40 and found.agreement == 1


def test_p_is_uniform_for_unrelated_layers_that_share_directions() -> None:
    p = []
    for seed in range(200):
        found = match_neurons(
            Neurons(rows(4 * seed), rows(4 * seed + 1)), Neurons(rows(4 * seed + 2), rows(4 * seed + 3))
        )
        assert found is not None
        p.append(math.exp(found.log_p))
    assert kstest(p, "uniform").pvalue > 0.01


def test_too_few_neurons_are_not_tested() -> None:
    few = Neurons(rows(1, 8), rows(2, 8))
    assert match_neurons(few, few) is None
