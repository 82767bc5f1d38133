"""Distances that add along a tree, for tests."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray


def additive(parents: list[int], lengths: list[float]) -> NDArray[np.float64]:
    """Squared distances of a tree whose nodes after the first have these parents, at these lengths."""
    count = len(parents) + 1
    above = [{0: 0.0}]
    for parent, length in zip(parents, lengths, strict=True):
        above.append({len(above): 0.0} | {node: way + length for node, way in above[parent].items()})
    found = np.zeros((count, count))
    for i, j in itertools.product(range(count), repeat=2):
        found[i, j] = min(above[i][n] + above[j][n] for n in above[i] if n in above[j])
    return found
