"""What geometry is worth: the weights of two logistic regressions, fitted on families whose trees are known.

One gives the probability that one model is an ancestor of another, one the shares of candidates for being the nearest
registered ancestor, each by what is known of the order (nothing, the newest, dates, the root) and by drift. The weights
stand in `weights`, which `make bench-grown` writes: it fits them on families for development. What a score is worth as
a probability is what it was worth in families that were left out of the fit, one after another: an isotonic map (Barlow
and others, "Statistical inference under order restrictions", 1972). Then all of it is measured on other families.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .weights import ANCESTOR, NEAREST, ODDS

State = Literal["none", "newest", "dates", "root", "root and dates"]
STATES: tuple[State, ...] = ("none", "newest", "dates", "root", "root and dates")
Regression = Literal["ancestor", "nearest"]


@dataclass(frozen=True)
class Weights:
    """The weights [terms] of `direction.design`, and on how many pairs they were fitted.

    `scores` [k] ascend, and `odds` [k] are their log odds; without them a score is its log odds.
    """

    vector: NDArray[np.float64]
    pairs: int
    scores: tuple[float, ...] = ()
    odds: tuple[float, ...] = ()

    def probability(self, terms: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability [n] of rows [n, terms]; beyond scores that were seen it is that of the outermost one."""
        scores = terms @ self.vector
        odds = np.interp(scores, self.scores, self.odds) if self.scores else scores
        return np.asarray(1 / (1 + np.exp(-odds)))


def _label(state: State, light: bool) -> str:
    return f"{state} {'light' if light else 'heavy'}"


@cache
def weights(regression: Regression, state: State, light: bool) -> Weights:
    """The weights for what is known of the order and for light or heavy drift."""
    label = _label(state, light)
    pairs, vector = (ANCESTOR if regression == "ancestor" else NEAREST)[label]
    if regression == "nearest":
        return Weights(np.array(vector), pairs)
    return Weights(np.array(vector), pairs, *ODDS[label])
