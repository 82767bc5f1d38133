"""What models were trained from, told by the steps of the values that they hold."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.lineage.missing.inferring import Shared, come_from_one, own_ways
from forebear.queries.lineage.missing.lattice import lattice_misfit, refuted
from forebear.queries.thresholds.lineage import LATTICE_REFUTES

Values = NDArray[np.float32]
TENSORS, PLACES = 160, 256
INSIDE = np.ones((TENSORS, PLACES), np.bool_)


def short(values: NDArray[np.float64]) -> Values:
    return values.astype(ml_dtypes.bfloat16).astype(np.float32)


def family(seed: int, drifts: tuple[float, ...], *, common: float = 0.4) -> tuple[Values, list[Values]]:
    """A root and children that moved small and large values equally far, a share of it in one common direction."""
    random = np.random.default_rng(seed)
    root = short(random.standard_normal((TENSORS, PLACES)))
    drift = random.standard_normal(root.shape)
    ways = (common * drift + np.sqrt(1 - common**2) * random.standard_normal(root.shape) for _ in drifts)
    return root, [short(root + size * way) for size, way in zip(drifts, ways, strict=True)]


DRIFTS = (0.001, 0.0012, 0.0014, 0.0016, 0.002)


@pytest.mark.parametrize("seed", range(4))
def test_the_root_fits_and_its_slightest_child_is_refuted(seed: int) -> None:
    root, children = family(seed, DRIFTS)
    assert not refuted(np.stack([root, *children]), INSIDE, 0)
    assert refuted(np.stack(children), INSIDE, 0)
    assert refuted(np.stack([root, *children]), INSIDE, 1)


def test_what_is_not_bfloat16_is_never_refuted() -> None:
    _, children = family(0, DRIFTS)
    values = np.stack(children)
    assert lattice_misfit(values, INSIDE, 0) > LATTICE_REFUTES
    values[0] += np.float32(2.0**-20)
    assert not refuted(values, INSIDE, 0)


def test_two_models_or_few_values_say_nothing() -> None:
    _, children = family(0, DRIFTS)
    assert lattice_misfit(np.stack(children[:2]), INSIDE, 0) == 0
    assert lattice_misfit(np.stack(children)[:, :1], INSIDE[:1], 0) == 0


def test_a_child_that_was_trained_in_bfloat16_itself_does_not_refute_its_root() -> None:
    root, children = family(0, DRIFTS)
    small = np.abs(root) < 0.1
    trained_short = [np.where(small, child, root) for child in children[3:]]
    assert not refuted(np.stack([root, *children[:3], *trained_short]), INSIDE, 0)


def shared(models: list[Values]) -> Shared:
    keys = tuple((0, -1, f"q/{n}", (16, 16)) for n in range(TENSORS))
    return Shared(keys, np.stack(models), np.full((TENSORS, PLACES), 1 / (TENSORS * PLACES)))


def test_a_family_with_a_slight_sibling_comes_from_a_model_that_is_not_there_unless_it_is() -> None:
    root, children = family(1, (0.0005, 0.0012, 0.0014, 0.0016, 0.002), common=0.1)
    ways = own_ways(shared(children).distances().squared)
    assert ways[0] < 0.1 * np.median(ways[1:])
    assert come_from_one(shared(children))
    assert not come_from_one(shared([root, *children]))
