"""What geometry is worth: the weights of two logistic regressions, fitted on families whose trees are known.

One gives the probability that one model is an ancestor of another, one the shares of candidates for being the nearest
registered ancestor, each by what is known of the order (nothing, the newest, dates, the root) and by drift. The weights
stand in `weights`, which `make bench-grown` writes: it fits them on families for development, leaving one
out after another to find how much they have to be drawn towards even odds, and measures them on other families.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .weights import ANCESTOR, NEAREST, TELLS

State = Literal["none", "newest", "dates", "root", "root and dates"]
STATES: tuple[State, ...] = ("none", "newest", "dates", "root", "root and dates")
Regression = Literal["ancestor", "nearest"]


@dataclass(frozen=True)
class Weights:
    """The weights [terms] of `direction.design`, and on how many pairs they were fitted."""

    vector: NDArray[np.float64]
    pairs: int


def tells(state: State, light: bool) -> bool:
    """Whether geometry tells a direction alone in this state of knowledge, at this drift."""
    return _label(state, light) in TELLS


def _label(state: State, light: bool) -> str:
    return f"{state} {'light' if light else 'heavy'}"


@cache
def weights(regression: Regression, state: State, light: bool) -> Weights:
    """The weights for what is known of the order and for light or heavy drift."""
    pairs, vector = (ANCESTOR if regression == "ancestor" else NEAREST)[_label(state, light)]
    return Weights(np.array(vector, np.float64), pairs)
