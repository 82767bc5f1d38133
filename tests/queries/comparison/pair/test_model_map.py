"""Classical scaling puts points back where they were."""

from __future__ import annotations

import numpy as np
import pytest

from forebear.queries.comparison.pair.model_map import UNRELATED, classical_scaling, model_map


def test_distances_of_a_plane_come_back() -> None:
    points = np.random.default_rng(1).standard_normal((7, 2))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    found, explained = classical_scaling(distances)
    assert np.allclose(np.linalg.norm(found[:, None] - found[None], axis=2), distances)
    assert explained == pytest.approx(1)


def test_two_models_lie_on_a_line_and_one_has_a_place() -> None:
    found = model_map("language", ["A", "B"], {("A", "B"): 0.5})
    assert abs(found.coordinates[0, 0] - found.coordinates[1, 0]) == pytest.approx(0.5)
    assert model_map("language", ["A"], {}).coordinates.shape == (1, 2)


def test_models_that_nothing_is_known_of_are_strangers() -> None:
    assert model_map("language", ["A", "B", "C1"], {("A", "B"): 0.1}).distances[0, 2] == UNRELATED
