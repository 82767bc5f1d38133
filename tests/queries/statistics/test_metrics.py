"""Metrics are what plain numpy says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from forebear.queries.statistics.metrics import METRICS, averaged, metrics, metrics_by_row, sums, table

Wide = NDArray[np.float32]


def arrays(seed: int, mean: float = 0.0) -> tuple[Wide, Wide]:
    random = np.random.default_rng(seed)
    x = random.normal(mean, 0.02, (16, 40)).astype(np.float32)
    y = np.where(random.random(x.shape) < 0.3, x, x + random.normal(0, 0.01, x.shape)).astype(np.float32)
    return x, y


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_every_figure_is_what_numpy_says(mean: float) -> None:
    x, y = arrays(1, mean)
    found = metrics(x, y)
    a, b = x.ravel().astype(np.float64), y.ravel().astype(np.float64)
    assert found.values == 640
    assert found.cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert found.centred_cosine == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert found.mean_abs_difference == pytest.approx(np.abs(a - b).mean())
    assert found.relative_l2 == pytest.approx(np.linalg.norm(a - b) / math.sqrt((a @ a + b @ b) / 2))
    assert found.p99_abs_difference == pytest.approx(np.percentile(np.abs(a - b), 99))
    assert found.cv_difference == pytest.approx(abs(a.std() / abs(a.mean()) - b.std() / abs(b.mean())))
    assert found.equal_share == np.mean(a == b)
    assert found.changed_share == pytest.approx(np.mean(a != b))


@given(st.integers(0, 10_000), st.integers(0, 640), st.sampled_from([0.0, 1.0, 100.0]))
def test_sums_of_two_halves_merge_to_the_sums_of_all(seed: int, cut: int, mean: float) -> None:
    x, y = (a.ravel() for a in arrays(seed, mean))
    whole, halves = sums(x, y), sums(x[:cut], y[:cut]) + sums(x[cut:], y[cut:])
    first, second = table([whole.metrics(0.0)])[0], table([halves.metrics(0.0)])[0]
    assert np.allclose(first, second, rtol=1e-7, atol=1e-9)


def test_rows_at_once_are_the_rows_one_by_one() -> None:
    x, y = arrays(3, 0.5)
    assert np.allclose(metrics_by_row(x, y), table([metrics(a, b) for a, b in zip(x, y, strict=True)]))


def test_a_copy_has_a_cosine_of_exactly_one_and_no_distance() -> None:
    x, _ = arrays(4, 1.0)
    found = metrics(x, x.copy())
    assert (found.cosine, found.centred_cosine, found.relative_l2, found.equal_share) == (1.0, 1.0, 0.0, 1.0)


def test_what_is_not_defined_is_no_number() -> None:
    constant = np.ones((1, 8), np.float32)
    found = metrics(constant, constant)
    assert math.isnan(found.centred_cosine) and found.cosine == 1.0
    assert all(math.isnan(v) for v in table([metrics(constant[:, :0], constant[:, :0])])[0])
    with pytest.raises(ValueError, match="no values to pair"):
        metrics(constant, constant[:, :4])


def test_an_average_leaves_out_what_is_not_defined() -> None:
    x, y = arrays(5)
    one, flat = metrics(x, y), metrics(np.zeros_like(x), np.zeros_like(y))
    found = averaged([one, flat], np.array([1.0, 3.0]))
    assert found.cosine == pytest.approx(one.cosine)
    assert found.equal_share == pytest.approx((one.equal_share + 3) / 4)
    assert len(METRICS) == 8
