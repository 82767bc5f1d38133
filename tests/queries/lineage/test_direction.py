"""What geometry says of relatives: a parent is likely, its siblings are not, and nothing is told alone."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.lineage import direction
from forebear.queries.lineage.direction import DESIGN, Placement, design, earlier, is_light, place
from forebear.queries.lineage.geometry import distances_of, pair_features
from forebear.queries.lineage.returns import returns
from forebear.queries.lineage.rooting import Known
from forebear.queries.lineage.shape import FIGURES, shape
from forebear.queries.thresholds.lineage import DIRECTION_TOLD, GEOMETRY_ALONE

UNITS = 8_000


def trained(start: NDArray[np.float32], seed: int, share: float = 0.3) -> NDArray[np.float32]:
    """A share of the bfloat16 values moved by one or two of their units, up or down."""
    draw = np.random.default_rng(seed)
    units = start.astype(ml_dtypes.bfloat16).view(np.int16)
    moves = np.where(draw.random(UNITS) < share, draw.choice([-2, -1, 1, 2], UNITS), 0)
    return np.asarray((units + moves).astype(np.int16).view(ml_dtypes.bfloat16), np.float32)


def placed(known: Known, *models: NDArray[np.float32]) -> Placement:
    """What is said of the first models, seen from the last."""
    weight, size = np.ones((1, UNITS)), np.ones(1)
    distances = distances_of(np.stack(models).astype(np.float32), weight, size)
    assert is_light(distances)
    return place(distances, known, "root and dates" if known.root is not None else "dates" if known.order else "none")


ROOT = np.asarray(np.random.default_rng(0).standard_normal(UNITS).astype(ml_dtypes.bfloat16), np.float32)
FIRST, SECOND, THIRD = (trained(ROOT, seed) for seed in (1, 2, 3))
DATED = Known(order={0: 0.0, 1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0})


def test_with_dates_a_parent_is_likely_and_its_siblings_are_not() -> None:
    found = placed(DATED, ROOT, FIRST, SECOND, THIRD, trained(SECOND, 7, 0.1))
    assert found.ancestor[2] > 0.7
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


@pytest.mark.parametrize("known", [Known(), DATED, Known(root=0), Known(root=0, order=DATED.order)])
def test_geometry_alone_tells_no_direction_whatever_is_known(known: Known) -> None:
    found = placed(known, ROOT, FIRST, SECOND, THIRD, trained(SECOND, 7, 0.1))
    for said in (found.ancestor, found.descendant):
        assert (said <= GEOMETRY_ALONE).all() and (said >= 1 - GEOMETRY_ALONE).all()
    assert GEOMETRY_ALONE < DIRECTION_TOLD


def test_a_model_before_which_nothing_was_is_likelier_above_in_a_chain_than_in_a_star() -> None:
    chain = [ROOT]
    for seed in range(4):
        chain.append(trained(chain[-1], 20 + seed))
    star = [trained(ROOT, 30 + seed) for seed in range(5)]
    in_chain, in_star = placed(DATED, *chain), placed(DATED, *star)
    assert in_chain.ancestor[0] > 0.9
    assert in_star.ancestor.max() < 0.5


def test_figures_of_the_family_are_the_same_terms_of_every_pair() -> None:
    models = np.stack([ROOT, FIRST, SECOND, THIRD])
    distances = distances_of(models, np.ones((1, UNITS)), np.ones(1))
    terms = design(distances, Known(), returns(distances.values, []))
    figures = shape(distances.squared, distances.unequal, {})
    for name, figure in zip(FIGURES, figures, strict=True):
        assert (terms[..., DESIGN.index(name)] == figure).all()
    assert figures[0] > 0
    product = terms[..., DESIGN.index("middle x between")]
    np.testing.assert_array_equal(product, figures[0] * terms[..., DESIGN.index("between")])


def test_a_root_is_earlier_than_everybody_and_dates_are_compared() -> None:
    before = earlier(Known(root=2, order={0: 1.0, 1: 0.0}), 3)
    assert before[0].tolist() == [False, True, True]
    assert before[1].tolist() == [False, False, True]
    assert not before[2].any()
