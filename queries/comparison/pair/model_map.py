"""The models of a comparison as points of a plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..records.figures import ModelMap

UNRELATED = float(np.sqrt(2.0))


def model_map(component: str, labels: Sequence[str], known: Mapping[tuple[str, str], float]) -> ModelMap:
    """The map of models whose distances are `known` by pairs of labels; a pair that is not counts as unrelated."""
    count = len(labels)
    distances = np.full((count, count), UNRELATED)
    np.fill_diagonal(distances, 0.0)
    place = {label: i for i, label in enumerate(labels)}
    for (a, b), distance in known.items():
        i, j = place[a], place[b]
        distances[i, j] = distances[j, i] = min(distances[i, j], distance)
    coordinates, explained = classical_scaling(distances)
    return ModelMap(component, tuple(labels), distances, coordinates, explained)


def classical_scaling(distances: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Coordinates [n, 2] whose distances come near to `distances` [n, n], and the share that two dimensions hold.

    The two largest eigenvectors of the doubly centred squared distances. Source: Torgerson, Psychometrika 17, 1952.
    Signs are fixed by the entry of largest magnitude, so that the picture is the same everywhere.
    """
    count = len(distances)
    centring = np.eye(count) - 1 / count
    values, vectors = np.linalg.eigh(-0.5 * centring @ np.square(distances) @ centring)
    order = np.argsort(values)[::-1]
    values, vectors = values[order].clip(0), vectors[:, order]
    found = np.zeros((count, 2))
    most = min(2, count)
    top = vectors[:, :most]
    signs = np.sign(top[np.abs(top).argmax(axis=0), np.arange(most)])
    found[:, :most] = top * np.where(signs == 0, 1.0, signs) * np.sqrt(values[:most])
    total = float(values.sum())
    return found, float(values[:most].sum() / total) if total > 0 else 1.0
