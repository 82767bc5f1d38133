"""What geometry is worth: the weights of two logistic regressions, fitted on families whose trees are known.

ANCESTOR gives the probability that one model is an ancestor of another, NEAREST the shares of candidates for being the
nearest registered ancestor, each by what is known of the order (nothing, the newest, dates, the root) and by drift. The
weights are data: `calibration.json` says on which families they were fitted, and `make bench-grown` fits them again on
the families for development and measures them on the others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

State = Literal["none", "newest", "dates", "root"]
STATES: tuple[State, ...] = ("none", "newest", "dates", "root")
Regression = Literal["ancestor", "nearest"]
_FILE = Path(__file__).parent / "calibration.json"


@dataclass(frozen=True)
class Weights:
    """The weights [terms] of `direction.design`, and on how many pairs they were fitted."""

    vector: NDArray[np.float64]
    pairs: int


@cache
def _stored() -> dict[str, dict[str, dict[str, object]]]:
    found: dict[str, dict[str, dict[str, object]]] = json.loads(_FILE.read_text(encoding="utf-8"))["weights"]
    return found


@cache
def weights(regression: Regression, state: State, light: bool) -> Weights:
    """The weights for what is known of the order and for light or heavy drift."""
    found = _stored()[regression][f"{state} {'light' if light else 'heavy'}"]
    vector, pairs = found["vector"], found["pairs"]
    assert isinstance(vector, list) and isinstance(pairs, int)
    return Weights(np.array(vector, np.float64), pairs)
