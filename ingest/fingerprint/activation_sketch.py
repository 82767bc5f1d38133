"""The sketch of a component's activations: 128 bytes that one scan of the registry compares.

It holds the second moment of whitened neuron vectors over tokens: which tokens a layer's neurons take together. That is
a property of all its neurons, so two samples of one layer that have no neuron in common still agree: 9 to 15 standard
deviations of 1,024 bits for four layers of SmolLM2 and MiniLM, where SmolLM2 and MiniLM agree at 0.6. Shuffled neurons
of a layer 29,000 wide, of which nine in 512 meet, are found by it.

Never evidence: unrelated models of one corpus and one vocabulary share second moments (3.8 +- 2.3, at most 8.1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..hashing import splitmix64
from .activations import TOKENS, Levels

SKETCH_BITS = 1024
SKETCH_BYTES = SKETCH_BITS // 8
_SMALLEST = 0.05
"""Eigenvalues below this, where 1 is that of independent tokens, count as it: what is there is rounding."""
_UPPER = np.triu_indices(TOKENS, 1)
_CHOSEN = np.sort(np.argsort(splitmix64(np.arange(len(_UPPER[0]), dtype=np.uint64)), kind="stable")[:SKETCH_BITS])


def activation_sketch(layers: Sequence[Levels]) -> bytes:
    """The signs, SKETCH_BYTES, of the second moments of `layers` (vectors [neurons, TOKENS] each), summed over layers.

    The logarithms of eigenvalues stand for them, so that the few strong directions, which all models of one corpus
    share, do not decide.
    """
    total = np.zeros(len(_UPPER[0]))
    for levels in layers:
        values = _moment(levels)[_UPPER]
        deviation = values.std()
        total += (values - values.mean()) / (deviation if deviation > 0 else 1)
    return np.packbits((total > np.median(total))[_CHOSEN]).tobytes()


def _moment(levels: Levels) -> NDArray[np.float64]:
    """The matrix logarithm [TOKENS, TOKENS] of the second moment of unit vectors; 0 without any."""
    vectors = levels[levels.any(axis=1)].astype(np.float64)
    if not len(vectors):
        return np.zeros((TOKENS, TOKENS))
    vectors = vectors - vectors.mean(axis=1, keepdims=True)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.where(length > 0, length, 1)
    values, directions = np.linalg.eigh(vectors.T @ vectors * (TOKENS / len(vectors)))
    return np.asarray((directions * np.log(np.maximum(values, _SMALLEST))) @ directions.T)
