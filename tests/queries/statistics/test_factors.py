"""Factors of adapters with their singular values made equal: directions count, strengths do not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.statistics.factors import equal_spectrum, kept_ranks

RANKS, PLACES = 8, 32


def one(values: NDArray[np.floating], ranks: int = RANKS) -> tuple[NDArray[np.float32], int]:
    """One factor [ranks, places], of equal spectrum, as [256], and what it counts for."""
    row = np.zeros((1, 256), np.float32)
    row[0, : values.size] = values.reshape(-1)
    made, count = equal_spectrum(row, np.array([ranks]), np.array([values.size]))
    return made[0], int(count[0])


def random(seed: int, ranks: int = RANKS, places: int = PLACES) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((ranks, places))


def test_every_direction_has_strength_one() -> None:
    made, count = one(random(1) * np.geomspace(100, 0.5, RANKS)[:, None])
    assert np.allclose(np.linalg.svd(made.reshape(RANKS, PLACES), compute_uv=False), 1, atol=1e-5)
    assert count == RANKS * RANKS


def test_directions_stay_whatever_their_strength() -> None:
    basis, _ = np.linalg.qr(random(2).T)
    weak, strong = one(basis.T)[0], one(np.geomspace(100, 0.5, RANKS)[:, None] * basis.T)[0]
    assert np.allclose(weak, strong, atol=1e-4)


def test_strangers_in_the_same_directions_correlate_as_a_random_rotation_does() -> None:
    shared = random(3)
    mixed = [one(np.random.default_rng(s).standard_normal((RANKS, RANKS)) @ shared)[0] for s in range(60)]
    r = np.array([a @ b / RANKS for a, b in zip(mixed[::2], mixed[1::2], strict=True)])
    assert r.std() == pytest.approx(1 / RANKS, rel=0.4), "the trace of a random rotation: 64 values, not 256"


def test_absent_directions_do_not_count() -> None:
    low = random(4, RANKS, 3) @ random(5, 3, PLACES)
    made, count = one(low)
    assert count == RANKS * 3
    assert np.linalg.matrix_rank(made.reshape(RANKS, PLACES), tol=1e-3) == 3


def test_padding_stays_and_other_sizes_in_one_batch_do_not_meet() -> None:
    values = np.zeros((3, 256), np.float32)
    values[0], values[1, :128], values[2, :64] = (
        random(6).reshape(-1),
        random(7, 4).reshape(-1),
        random(8, 4, 16).reshape(-1),
    )
    made, count = equal_spectrum(values, np.array([8, 4, 4]), np.array([256, 128, 64]))
    assert count.tolist() == [64, 16, 16]
    assert not made[1, 128:].any() and not made[2, 64:].any() and made[2, :64].all()
    for row, (ranks, size) in enumerate([(8, 256), (4, 128), (4, 64)]):
        assert np.allclose(np.linalg.svd(made[row, :size].reshape(ranks, -1), compute_uv=False), 1, atol=1e-5)


@pytest.mark.parametrize(("ranks", "size"), [(0, 0), (8, 0), (8, 100)])
def test_what_is_no_matrix_of_ranks_counts_for_nothing(ranks: int, size: int) -> None:
    made, count = equal_spectrum(np.ones((1, 256), np.float32), np.array([ranks]), np.array([size]))
    assert not made.any() and count.tolist() == [1]


@pytest.mark.parametrize(
    ("slot", "shape", "ranks"),
    [("A", (16, 512), 8), ("B", (512, 16), 8), ("A", (4, 512), 4), ("q.B", (512, 6), 4), ("A", (2, 8, 3, 3), 2)],
)
def test_ranks_are_those_of_the_factors_own_axis(slot: str, shape: tuple[int, ...], ranks: int) -> None:
    assert kept_ranks(slot, shape) == ranks
