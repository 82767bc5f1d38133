"""What stands on the way from the root to the query: a parent does, and siblings, mixtures and later ones do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forebear.queries.lineage import direction
from forebear.queries.lineage.direction import place
from forebear.queries.lineage.geometry import Distances, distances_of
from forebear.queries.lineage.rooting import Known
from forebear.queries.lineage.way import on_way
from forebear.queries.thresholds.lineage import ON_WAY

WIDTH = 20_000
LIGHT = 1e-3
"""Drift beside weights of 1, as real fine-tunes have it."""


def step(seed: int, size: float = LIGHT) -> np.ndarray:
    return (size * np.random.default_rng(seed).standard_normal(WIDTH)).astype(np.float64)


ROOT = np.random.default_rng(0).standard_normal(WIDTH)


def measured(*rows: np.ndarray) -> Distances:
    """Distances of models whose values these are."""
    return distances_of(np.stack(rows).astype(np.float32), np.ones((1, WIDTH)), np.array([1.0]))


def dated(*days: float) -> Known:
    """The first is the root, and these are all dates, the query's last."""
    return Known(root=0, order=dict(enumerate(map(float, days))))


def test_a_parent_stands_on_the_way_and_is_told() -> None:
    parent = ROOT + step(1)
    distances = measured(ROOT, parent, ROOT + step(3), parent + step(2))
    assert on_way(distances, dated(0, 1, 2, 3)).tolist() == [False, True, False]
    found = place(distances, dated(0, 1, 2, 3), "root and dates")
    assert found.ancestor[1] == ON_WAY and found.nearest.argmax() == 1
    assert found.nearest.sum() == pytest.approx(1)


def test_every_ancestor_of_a_chain_stands_there_and_the_last_is_the_nearest() -> None:
    first = ROOT + step(1)
    second = first + step(2)
    found = place(measured(ROOT, first, second, second + step(3)), dated(0, 1, 2, 3), "root and dates")
    assert found.on_way.tolist() == [False, True, True] and found.nearest.argmax() == 2


def test_what_stands_above_on_the_way_is_the_nearest_only_where_the_way_tells_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = ROOT + step(1)
    second = first + step(2)
    sibling = ROOT + step(5, LIGHT / 2)  # nearer to the root than they are, and on no way
    distances = measured(ROOT, first, sibling, second, second + step(3))
    known = dated(0, 1, 1, 2, 3)
    found = place(distances, known, "root and dates")
    assert found.on_way.tolist() == [False, True, False, True]
    monkeypatch.setattr(direction, "on_way", lambda distances, known: np.zeros(4, np.bool_))
    before = place(distances, known, "root and dates")
    ratio = (found.nearest / found.nearest[3]) / (before.nearest / before.nearest[3])
    assert ratio == pytest.approx([1 - ON_WAY, 1 - ON_WAY, 1, 1])


@pytest.mark.parametrize("shared", [0.0, 0.5, 0.8])
def test_a_sibling_that_drifted_alike_does_not(shared: float) -> None:
    alike = step(1) * np.sqrt(shared)
    siblings = [ROOT + alike + step(seed) * np.sqrt(1 - shared) for seed in (2, 3)]
    assert not on_way(measured(ROOT, *siblings), dated(0, 1, 2)).any()


def test_nothing_is_told_without_the_root_or_without_dates_or_of_what_is_younger() -> None:
    parent = ROOT + step(1)
    distances = measured(ROOT, parent, parent + step(2))
    assert not on_way(distances, Known(root=0)).any()
    assert not on_way(distances, Known(order={0: 0.0, 1: 1.0, 2: 2.0})).any()
    assert not on_way(distances, dated(0, 2, 1)).any()
    assert not on_way(distances, dated(0, 1, 1)).any(), "of one day"


def test_a_mean_of_the_query_and_another_is_no_parent_of_it() -> None:
    query, other = ROOT + step(1), ROOT + step(2)
    assert not on_way(measured(ROOT, (query + other) / 2, other, query), dated(0, 1, 1, 3)).any()


def test_a_mean_of_two_is_no_parent_of_another_mixture_of_them() -> None:
    first, second = step(1), step(2)
    kept = np.random.default_rng(3).random((2, WIDTH)) < 0.5
    query = ROOT + first * kept[0] + second * kept[1]  # as DARE leaves out: the mean, and what is at right angles to it
    mean = ROOT + (first + second) / 2
    assert on_way(measured(ROOT, mean, query), dated(0, 1, 2)).tolist() == [False, True], (
        "without its parents it is told"
    )
    assert not on_way(measured(ROOT, ROOT + first, ROOT + second, mean, query), dated(0, 1, 1, 2, 3)).any()


def test_of_several_on_one_place_the_earliest_is_told() -> None:
    parent = ROOT + step(1)
    again = parent + step(4, LIGHT / 20)
    distances = measured(ROOT, again, parent, parent + step(2))
    assert on_way(distances, dated(0, 2, 1, 3)).tolist() == [False, False, True]
    assert not on_way(distances, dated(0, 1, 1, 3)).any(), "neither came before the other"


def test_a_step_too_short_beside_the_way_tells_nothing() -> None:
    parent = ROOT + step(1, LIGHT / 20)
    assert not on_way(measured(ROOT, parent, parent + step(2)), dated(0, 1, 2)).any()


def test_at_heavy_drift_geometry_tells_nothing() -> None:
    parent = ROOT + step(1, 0.1)
    distances = measured(ROOT, parent, parent + step(2, 0.1))
    assert on_way(distances, dated(0, 1, 2)).any()
    assert not place(distances, dated(0, 1, 2), "root and dates").on_way.any()
    assert not place(replace(distances), Known(root=0), "root").on_way.any()
