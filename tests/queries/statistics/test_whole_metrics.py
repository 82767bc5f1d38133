"""Metrics over blocks against numpy over whole tensors."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from forebear.queries.statistics.metrics import metrics
from forebear.queries.statistics.whole_metrics import P99_ERROR, WholeMetrics, finite


def pair(size: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = (0.02 * random.standard_t(4, size)).astype(np.float32)
    y = (x + noise * random.standard_normal(size)).astype(np.float32)
    y[:: max(1, size // 100)] = x[:: max(1, size // 100)]
    return x, y


@pytest.mark.parametrize("noise", [0.0, 1e-4, 0.02])
@pytest.mark.parametrize("blocks", [1, 2, 7])
def test_figures_over_blocks_are_those_of_numpy_over_the_whole(noise: float, blocks: int) -> None:
    x, y = pair(70_001, noise)
    found = WholeMetrics()
    for a, b in zip(np.array_split(x, blocks), np.array_split(y, blocks), strict=True):
        found.update(a, b)
    got, expected = found.metrics(), metrics(x, y)
    bound = P99_ERROR + 1e-4 if blocks > 1 else 1e-6
    assert got.p99_abs_difference == pytest.approx(expected.p99_abs_difference, rel=bound)
    for field in dataclasses.fields(got):
        if field.name != "p99_abs_difference":
            assert getattr(got, field.name) == pytest.approx(getattr(expected, field.name), rel=1e-9), field.name


def test_figures_agree_with_formulas_written_out() -> None:
    x, y = pair(5_000, 0.01)
    found = WholeMetrics()
    found.update(x, y)
    got = found.metrics()
    a, b = x.astype(float), y.astype(float)
    assert got.cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert got.centred_cosine == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert got.mean_abs_difference == pytest.approx(np.abs(a - b).mean())
    assert got.equal_share == pytest.approx((x == y).mean())
    assert got.cv_difference == pytest.approx(abs(a.std() / abs(a.mean()) - b.std() / abs(b.mean())))


def test_what_is_no_number_counts_as_0() -> None:
    x, y = pair(1_000, 0.01)
    spoiled = x.copy()
    spoiled[[3, 5]] = [np.nan, np.inf]
    cleaned = x.copy()
    cleaned[[3, 5]] = 0
    found, expected = WholeMetrics(), WholeMetrics()
    found.update(finite(spoiled), y)
    expected.update(cleaned, y)
    assert found.metrics() == expected.metrics()


def test_no_values_at_all_give_no_figures() -> None:
    assert np.isnan(WholeMetrics().metrics().cosine)
