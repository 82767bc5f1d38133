"""Bit distance: how many bits differ, on average, between bfloat16 weights at equal places.

ZipLLM, Wang et al. 2025, arXiv 2505.06252: models of one family differ in few bits, strangers in about half of those
that vary. The score is the negative distance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from ..weights import Key, Weights
from . import EVERYTHING, Method

Bits = NDArray[np.uint16]


def bits(weights: Weights) -> dict[Key, Bits]:
    """Every tensor as the 16 bits of its bfloat16 values."""
    return {key: tensor.astype(ml_dtypes.bfloat16).view(np.uint16) for key, tensor in weights.tensors.items()}


def negative_distance(first: Mapping[Key, Bits], second: Mapping[Key, Bits]) -> float:
    """Minus the mean number of differing bits a weight; nan when no tensor has the same place and shape."""
    different = count = 0
    for key, mine in first.items():
        theirs = second.get(key)
        if theirs is not None and theirs.shape == mine.shape:
            different += int(np.bitwise_count(mine ^ theirs).sum(dtype=np.int64))
            count += mine.size
    return -different / count if count else math.nan


METHOD = Method("bit distance", "ZipLLM, arXiv 2505.06252", EVERYTHING, bits, negative_distance)
