"""Unbiased CKA against a second implementation, and its null against all permutations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import kstest

from forebear.queries.statistics.cka import Kernel, null_deviation, permutation_test, u_centred

Floats = NDArray[np.float64]


def hsic(k: Floats, m: Floats) -> float:
    """The estimator as Song et al. (2012), equation 5, write it."""
    n = len(k)
    k, m = k.copy(), m.copy()
    np.fill_diagonal(k, 0)
    np.fill_diagonal(m, 0)
    one = np.ones(n)
    total = (
        np.trace(k @ m) + (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ k @ m @ one)
    )
    return float(total / (n * (n - 3)))


def kernel(seed: int, n: int = 12, rank: int = 30) -> Floats:
    w = np.random.default_rng(seed).standard_t(3, (rank, n))
    w /= np.linalg.norm(w, axis=0)
    return np.asarray(w.T @ w)


def centred(k: Floats) -> NDArray[np.float32]:
    found = u_centred(k)
    assert found is not None
    return found


def cka(k: Floats, m: Floats) -> float:
    first, second = u_centred(k), u_centred(m)
    assert first is not None and second is not None
    return float((first * second).sum())


@pytest.mark.parametrize("seed", range(5))
def test_unbiased_cka_agrees_with_the_published_formula(seed: int) -> None:
    k, m = kernel(seed), kernel(seed + 100) + 0.3 * kernel(seed)
    assert cka(k, m) == pytest.approx(hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m)), abs=1e-6)


def test_the_deviation_of_the_null_is_that_over_all_permutations() -> None:
    k, m = u_centred(kernel(1, 6)), u_centred(kernel(2, 6))
    assert k is not None and m is not None
    values = [(k * m[np.ix_(order, order)]).sum() for order in itertools.permutations(range(6))]
    assert np.mean(values) == pytest.approx(0, abs=1e-6)
    assert np.std(values) == pytest.approx(null_deviation(6), rel=1e-5)


def test_a_kernel_over_blocks_is_that_of_the_chosen_signed_scaled_columns() -> None:
    w = np.random.default_rng(0).standard_normal((50, 20)).astype(np.float32)
    columns, signs = np.array([7, 2, 11, 5, 0, 19, 3, 8]), np.array([1, -1, 1, 1, -1, 1, 1, -1], np.float32)
    built = Kernel(columns, signs)
    for block in np.array_split(w, 4):
        built.add(block)
    chosen = w[:, columns] * signs
    chosen /= np.linalg.norm(chosen, axis=0)
    expected = u_centred(chosen.T @ chosen)
    found = built.centred()
    assert found is not None and expected is not None
    assert np.allclose(found, expected, atol=1e-5)


def test_turning_the_outputs_and_gains_on_the_inputs_change_nothing() -> None:
    random = np.random.default_rng(0)
    w = random.standard_normal((40, 16)).astype(np.float32)
    turn = np.linalg.qr(random.standard_normal((40, 40)))[0].astype(np.float32)
    kernels = []
    for matrix in (w, turn @ w * random.uniform(0.5, 2, 16).astype(np.float32)):
        built = Kernel(np.arange(16), np.ones(16, np.float32))
        built.add(matrix)
        kernels.append(built.centred())
    assert kernels[0] is not None and kernels[1] is not None
    assert np.allclose(kernels[0], kernels[1], atol=1e-4)


def test_a_constant_kernel_has_no_centred_one() -> None:
    assert u_centred(np.ones((9, 9))) is None


def test_p_is_uniform_for_unrelated_kernels_of_heavy_tails() -> None:
    p = []
    for seed in range(200):
        stacks = [np.stack([centred(kernel(4 * seed + 2000 * side + i, 16, 8)) for i in range(2)]) for side in (0, 1)]
        test = permutation_test(stacks[0], stacks[1], permutations=199, seed=seed)
        assert test is not None
        p.append(test.p)
    assert kstest(p, "uniform").pvalue > 0.01


def test_p_is_one_sided() -> None:
    first = np.stack([centred(kernel(1, 16))])
    test = permutation_test(first, -first, permutations=99)
    assert test is not None and test.p > 0.95 and test.z < -5
