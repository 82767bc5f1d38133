"""Cosines of weights at equal places: raw, centred, and of norm gains alone.

Tensors are compared where both models have one of the same role, layer and shape. The last is what the disputed
report on Solar-Open-100B used (January 2026).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..weights import Key, Matrix, Weights
from . import EVERYTHING, MATRICES, Method


def cosine(first: Mapping[Key, Matrix], second: Mapping[Key, Matrix]) -> float:
    """Cosine of the concatenation of all tensors with one key and one shape; nan without any."""
    product = one = other = 0.0
    for key, mine in first.items():
        theirs = second.get(key)
        if theirs is not None and theirs.shape == mine.shape:
            product += float(np.vdot(mine, theirs))
            one += float(np.vdot(mine, mine))
            other += float(np.vdot(theirs, theirs))
    return product / math.sqrt(one * other) if one > 0 and other > 0 else math.nan


def raw(weights: Weights) -> dict[Key, Matrix]:
    """All tensors as they are."""
    return dict(weights.tensors)


def centred(weights: Weights) -> dict[Key, Matrix]:
    """All matrices, each less its mean."""
    return {key: tensor - tensor.mean() for key, tensor in weights.tensors.items() if tensor.ndim == 2}


def gains(weights: Weights) -> dict[Key, Matrix]:
    """Norm gains as they are."""
    return {key: tensor for key, tensor in weights.tensors.items() if key[2] == "norm"}


RAW = Method("cosine, raw", "folklore", EVERYTHING, raw, cosine)
CENTRED = Method("cosine, centred", "folklore", MATRICES, centred, cosine)
GAINS = Method("cosine of norm gains", "report on Solar-Open-100B, 2026", frozenset({"norm"}), gains, cosine)
