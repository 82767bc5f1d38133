"""Norm gains of models, as frozen records: context beside a verdict, never evidence.

Matrices over models are float64 [n, n]; NaN (null in JSON) stands where nothing can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Arrangement = Literal["same layer", "mixed layers", "within"]
"""What the places of a matrix have in common: one layer, nothing, or one model."""


@dataclass(frozen=True, slots=True)
class GainRow:
    """Two gains (or biases) of one place: the figures as published, and what the same values give when shuffled.

    `shuffled_cosine` and `shuffled_difference` are exact means over every order of the values of one of the two,
    `shuffled_sd` the exact standard deviation of the cosine: Wald and Wolfowitz, Annals of Mathematical Statistics 15,
    1944. `z` is the cosine in those.
    """

    first: str
    second: str
    slot: str
    layer_first: int | None
    layer_second: int | None
    values: int
    cosine: float
    centred_cosine: float
    mean_abs_difference: float
    shuffled_cosine: float
    shuffled_sd: float
    shuffled_difference: float
    z: float


@dataclass(frozen=True, slots=True)
class GainMatrix:
    """A confusion matrix of gains: `places` are (label, layer), a row and a column each."""

    arrangement: Arrangement
    slot: str
    places: tuple[tuple[str, int], ...]
    cosine: Matrix
    centred_cosine: Matrix
    mean_abs_difference: Matrix
    shuffled_cosine: Matrix


@dataclass(frozen=True, slots=True)
class GainScatter:
    """Gains of two models at equal places, `x` of the first and `y` of the second, at most 512 evenly taken."""

    first: str
    second: str
    slot: str
    layer_first: int
    layer_second: int
    values: int
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class GainSummary:
    """One slot of one pair over all layers that both have: means, their range, and the null of shuffled values."""

    first: str
    second: str
    slot: str
    layers: int
    cosine: float
    lowest_cosine: float
    highest_cosine: float
    centred_cosine: float
    mean_abs_difference: float
    shuffled_cosine: float
    largest_z: float


@dataclass(frozen=True, slots=True)
class GainFigures:
    """Everything about norm gains: context, never evidence."""

    rows: tuple[GainRow, ...]
    summaries: tuple[GainSummary, ...]
    matrices: tuple[GainMatrix, ...]
    scatters: tuple[GainScatter, ...]
