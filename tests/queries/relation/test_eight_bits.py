"""Errors of 8 bits in groups are told from training as light, by their size and their shape."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from forebear.queries.relation.rounding import _error_of_8_bits, _kurtosis, _of_8_bits, _relative_error

TENSORS, SIZE, SAMPLED = 40, 32_768, 256


def weights(random: np.random.Generator) -> np.ndarray:
    """A matrix whose columns have scales of their own, as trained ones do."""
    scales = np.exp(0.2 * random.standard_normal(256))
    return (0.02 * random.standard_normal((SIZE // 256, 256)) * scales).astype(np.float32).reshape(-1)


def rounded(values: np.ndarray, group: int) -> np.ndarray:
    groups = values.reshape(-1, group)
    step = np.abs(groups).max(axis=1, keepdims=True) / 127
    return (np.rint(groups / step) * step).astype(ml_dtypes.bfloat16).astype(np.float32).reshape(-1)


def figures(change: str, group: int, seed: int) -> tuple[float, float]:
    """Median share and kurtosis over tensors, from samples, of a matrix and what was made of it."""
    random = np.random.default_rng(seed)
    shares, tails = [], []
    for _ in range(TENSORS):
        whole = weights(random)
        drift = 0.005 * 0.02 * random.standard_normal(SIZE).astype(np.float32)
        if change == "rounded":
            first, second = whole, rounded(whole, group)
        elif change == "trained, then rounded":
            first, second = whole, rounded(whole + 1.2 * drift, group)
        elif change == "trained on it by equal steps":
            first = rounded(whole, group)
            steps = np.sign(drift)  # as the first ones of AdamW are: no long tails
            second = (first + 3e-5 * steps).astype(np.float32)
        else:
            first = rounded(whole, group)
            moved = first + (0.3 if change == "trained on a rounded file" else 0.9) * drift
            second = moved.astype(ml_dtypes.bfloat16).astype(np.float32)
        at = random.choice(SIZE, SAMPLED, replace=False)
        shares.append(_relative_error(first[at], second[at]) / _error_of_8_bits(second[at]))
        tails.append(_kurtosis(first[at], second[at]))
    return float(np.median(shares)), float(np.median(tails))


@pytest.mark.parametrize("group", [32, 64, 128, 256])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_rounding_to_8_bits_in_groups_of_any_size_is_one(group: int, seed: int) -> None:
    assert _of_8_bits(*figures("rounded", group, seed))


@pytest.mark.parametrize(
    "change",
    [
        "trained, then rounded",
        "trained on a rounded file",
        "trained on it by equal steps",
        "trained on it by as much as rounding",
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_training_as_light_as_the_rounding_is_none(change: str, seed: int) -> None:
    assert not _of_8_bits(*figures(change, 32, seed))


def test_the_error_of_groups_of_32_follows_from_the_values() -> None:
    random = np.random.default_rng(3)
    whole = weights(random)
    found = [_error_of_8_bits(whole[random.choice(SIZE, SAMPLED, replace=False)]) for _ in range(50)]
    groups = whole.reshape(-1, 32).astype(np.float64)
    step = np.abs(groups).max(axis=1, keepdims=True) / 127
    truth = _relative_error(whole, (np.rint(groups / step) * step).reshape(-1).astype(np.float32))
    assert float(np.mean(found)) == pytest.approx(truth, rel=0.05)
