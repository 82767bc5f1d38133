"""What is told of dated relatives: a parent, never that one is none, and nothing without an earlier witness."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.lineage import direction
from forebear.queries.lineage.direction import Placement, earlier, is_light, place
from forebear.queries.lineage.geometry import distances_of, pair_features
from forebear.queries.lineage.rooting import Known
from forebear.queries.thresholds.lineage import DIRECTION_TOLD, GEOMETRY_ALONE

UNITS = 8_000


def trained(start: NDArray[np.float32], seed: int, share: float = 0.3) -> NDArray[np.float32]:
    """A share of the bfloat16 values moved by one or two of their units, up or down."""
    draw = np.random.default_rng(seed)
    units = start.astype(ml_dtypes.bfloat16).view(np.int16)
    moves = np.where(draw.random(UNITS) < share, draw.choice([-2, -1, 1, 2], UNITS), 0)
    return np.asarray((units + moves).astype(np.int16).view(ml_dtypes.bfloat16), np.float32)


def longer(every: int) -> NDArray[np.float32]:
    """SECOND, and at one of so many values its own step once more."""
    return np.where(np.arange(UNITS) % every == 0, 2 * SECOND - ROOT, SECOND).astype(np.float32)


def placed(known: Known, *models: NDArray[np.float32]) -> Placement:
    """What is said of the first models, seen from the last."""
    weight, size = np.ones((1, UNITS)), np.ones(1)
    distances = distances_of(np.stack(models).astype(np.float32), weight, size)
    assert is_light(distances)
    return place(distances, known, "root and dates" if known.root is not None else "dates" if known.order else "none")


ROOT = np.asarray(np.random.default_rng(0).standard_normal(UNITS).astype(ml_dtypes.bfloat16), np.float32)
FIRST, SECOND, THIRD = (trained(ROOT, seed) for seed in (1, 2, 3))
DATED = Known(order={0: 0.0, 1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0})


def test_with_dates_a_parent_is_told_and_its_siblings_are_unlikely_ancestors() -> None:
    found = placed(DATED, ROOT, FIRST, SECOND, THIRD, trained(SECOND, 7, 0.1))
    assert found.ancestor[2] >= DIRECTION_TOLD
    assert found.ancestor[1] < 0.1 and found.ancestor[3] < 0.1
    assert int(found.nearest.argmax()) == 2


@pytest.mark.parametrize("known", [Known(), DATED])
def test_what_is_said_is_what_values_of_all_pairs_would_say(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    models = ROOT, FIRST, SECOND, THIRD, trained(SECOND, 7, 0.1)
    few = placed(known, *models)
    monkeypatch.setattr(
        direction, "pair_features", lambda distances, asked: pair_features(distances, np.ones_like(asked))
    )
    every = placed(known, *models)
    for name in ("ancestor", "descendant", "nearest"):
        np.testing.assert_array_equal(getattr(few, name), getattr(every, name))


def test_that_a_sibling_is_no_ancestor_is_never_told_as_a_merge_would_look_the_same() -> None:
    found = placed(DATED, ROOT, FIRST, SECOND, THIRD, trained(ROOT, 8))
    assert found.ancestor[1:] == pytest.approx(1 - GEOMETRY_ALONE) and 1 - GEOMETRY_ALONE > 1 - DIRECTION_TOLD


def test_a_query_that_went_on_the_same_way_is_not_told_to_be_a_child() -> None:
    found = placed(DATED, ROOT, FIRST, SECOND, THIRD, longer(2))
    assert found.ancestor[2] == pytest.approx(GEOMETRY_ALONE), "by its distances alone it would be"


def test_the_oldest_of_all_has_no_earlier_witness_and_geometry_does_not_tell_it() -> None:
    found = placed(DATED, ROOT, FIRST, SECOND, THIRD, trained(ROOT, 8, 0.02))
    assert found.ancestor[0] == pytest.approx(GEOMETRY_ALONE), "by its distances alone it would be"


def test_without_dates_geometry_tells_no_direction() -> None:
    found = placed(Known(), ROOT, FIRST, SECOND, THIRD, trained(SECOND, 7, 0.1))
    assert (found.ancestor <= GEOMETRY_ALONE).all() and (found.ancestor >= 1 - GEOMETRY_ALONE).all()


def test_a_root_is_earlier_than_everybody_and_dates_are_compared() -> None:
    before = earlier(Known(root=2, order={0: 1.0, 1: 0.0}), 3)
    assert before[0].tolist() == [False, True, True]
    assert before[1].tolist() == [False, False, True]
    assert not before[2].any()
