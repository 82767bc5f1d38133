"""What a change looks like: rounding, training, an adapter."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.comparison.pair.changes import coarser, held_by, ranks, spacing

Wide = NDArray[np.float32]


def weights(seed: int, rows: int = 16, columns: int = 512) -> Wide:
    return np.random.default_rng(seed).normal(0, 0.02, (rows, columns)).astype(np.float32)


def test_the_spacing_is_that_of_the_type() -> None:
    values = np.concatenate([weights(1).ravel(), np.array([1.0, 0.5, 65000.0, 6.1e-5], np.float32)])
    assert np.array_equal(spacing(values, "F32"), np.spacing(np.abs(values)).astype(np.float64))
    half = values.astype(np.float16)
    assert np.array_equal(spacing(half.astype(np.float32), "F16"), np.spacing(np.abs(half)).astype(np.float64))
    brain = values.astype(ml_dtypes.bfloat16).astype(np.float32)
    following = (brain.view(np.uint32) + np.uint32(1 << 16)).view(np.float32)
    above = brain > 0
    assert np.array_equal(spacing(brain, "BF16")[above], (following - brain)[above].astype(np.float64))


def test_the_coarsest_type_that_holds_values_is_known() -> None:
    values = weights(2)
    assert held_by(values) == "F32"
    assert held_by(values.astype(np.float16).astype(np.float32)) == "F16"
    assert held_by(values.astype(ml_dtypes.bfloat16).astype(np.float32)) == "BF16"
    assert coarser("F16", "BF16") == "BF16" and coarser("F32", "F16") == "F16"


@pytest.mark.parametrize("rank", [1, 4, 8])
def test_the_rank_of_a_low_rank_change_is_found_under_rounding(rank: int) -> None:
    random = np.random.default_rng(rank)
    change = random.standard_normal((16, rank)) @ random.standard_normal((rank, 512))
    noise = random.uniform(-0.5, 0.5, change.shape) * 0.05
    found, effective = ranks(change + noise, 0.05 / np.sqrt(12))
    assert found == rank and effective <= rank + 0.5


def test_a_full_change_has_all_ranks_and_rounding_alone_none() -> None:
    random = np.random.default_rng(9)
    assert ranks(random.standard_normal((16, 512)), 0.01)[0] == 16
    assert ranks(random.uniform(-0.5, 0.5, (16, 512)), 1 / np.sqrt(12))[0] == 0
    assert ranks(np.zeros((16, 512)), 0.1) == (0, 0.0)
