"""How coarsely weights are stored: what one rounding to their type, or to few levels, can change."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from ..thresholds.relation import FLOAT_LEVELS, LEVELS_OF_3_BITS, QUANTISED_ERROR, QUANTISED_LEVELS, STORED_ERROR
from .component import Component

Holder = TypeVar("Holder")
Result = TypeVar("Result")

BFLOAT16 = 7
"""Bits of fraction of the coarsest float type."""
ROUNDING = {"BF16": 2.0**-8, "F16": 2.0**-11, "F32": 2.0**-22}
"""Largest relative error of one rounding to that type."""


def once(function: Callable[[Holder], Result]) -> Callable[[Holder], Result]:
    """A function of one component, or of one pair's evidence, computed once and kept beside its arrays."""
    name = f"{function.__module__}.{function.__qualname__}"

    @wraps(function)
    def kept(holder: Holder) -> Result:
        made = holder.__dict__
        if name not in made:
            made[name] = function(holder)
        found: Result = made[name]
        return found

    return kept


@once
def mean_levels(component: Component) -> float:
    """Different values among 32 neighbours, over all matrices; all 32 where nothing is known."""
    known = component.levels[component.positions.tensor]
    known = known[known > 0]
    return float(known.mean()) if len(known) else 32.0


def error_of_levels(levels: float) -> float:
    """Largest relative RMS error of rounding in groups, by how many different values 32 neighbours have."""
    if levels >= FLOAT_LEVELS:
        return 0.0
    return QUANTISED_ERROR[8 if levels > QUANTISED_LEVELS else 4 if levels > LEVELS_OF_3_BITS else 3]


def stored_error(dtype: str) -> float:
    """Largest relative RMS error of one rounding to a stored type of codes and scales; 0 for any other type."""
    return max((error for name, error in STORED_ERROR.items() if dtype.startswith(name)), default=0.0)


@once
def median_levels(component: Component) -> float:
    """How many different values most matrices have among 32 neighbours; all 32 where there is no matrix."""
    tensors = component.positions.tensor
    return float(np.median(component.levels[tensors])) if len(tensors) else 32.0


@once
def quantised(component: Component) -> bool:
    """Whether a model's matrices hold codes of few bits, or the values of such codes."""
    tensors = component.positions.tensor
    levels = component.levels[tensors]
    known = levels[levels > 0]
    few = len(known) > 0 and float(np.median(known)) < FLOAT_LEVELS
    return few or coded(component)


@once
def coded(component: Component) -> bool:
    """Whether some matrices of a model are stored as codes and scales."""
    tensors = component.positions.tensor
    return any(stored_error(dtype) > 0 for dtype in {component.dtypes[t] for t in tensors.tolist()})


def precision(component: Component, tensors: NDArray[np.int64]) -> NDArray[np.float64]:
    """Relative rounding error of each tensor's stored type, or of the coarsest float type that holds its values."""
    stored = {
        dtype: max((e for t, e in STORED_ERROR.items() if dtype.startswith(t)), default=0.0)
        for dtype in {component.dtypes[i] for i in tensors}
    }
    found = np.maximum(np.array([stored[component.dtypes[i]] for i in tensors]), ROUNDING["F32"])
    matrices = np.isin(tensors, component.positions.tensor)
    rows = np.searchsorted(component.positions.tensor, tensors[matrices])
    values = component.positions.value[rows].astype(np.float32, copy=False)
    found[matrices] = np.maximum(found[matrices], _coarsest(values))
    for i in np.flatnonzero(~matrices).tolist():
        tokens = next(t.values for t in component.tokens.values() if t.tensor == tensors[i])
        found[i] = max(found[i], float(_coarsest(tokens.reshape(1, -1))[0]))
    return found


def _coarsest(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The rounding error of the coarsest float type that holds all values of each row; 0 for float32."""
    with np.errstate(over="ignore"):
        half = (values.astype(np.float16).astype(np.float32) == values).all(axis=1)
    short = ((values.view(np.uint32) & 0xFFFF) == 0).all(axis=1)
    return np.where(short, ROUNDING["BF16"], np.where(half, ROUNDING["F16"], 0.0))


@once
def fraction_bits(component: Component) -> int:
    """The `float_bits` of all values of a model's matrices."""
    return float_bits(np.asarray(component.positions.value, np.float32))


def float_bits(values: NDArray[np.float32]) -> int:
    """Bits behind the point that all values need: 7 for bfloat16, 10 for float16, 23 for float32 and for NaN."""
    used = int(np.bitwise_or.reduce(np.ascontiguousarray(values).view(np.uint32), axis=None))
    if not used & 0xFFFF and not np.isnan(values).any():
        return BFLOAT16
    if used & 0x1FFF:  # float16 has ten bits of fraction, and fewer below 2^-14
        return 23
    with np.errstate(over="ignore"):
        return 10 if (values.astype(np.float16).astype(np.float32) == values).all() else 23


_SMALLEST = {7: -126, 10: -14, 23: -126}
"""Bits behind the point of a float type -> the exponent of its smallest normal number, below which steps stay."""


def float_steps(values: NDArray[np.floating], bits: int) -> NDArray[np.float64]:
    """The distance of each value to the next larger number of the float type with so many bits behind the point.

    >>> float_steps(np.array([1.0, 1.5, 2.0]), 7).tolist()
    [0.0078125, 0.0078125, 0.015625]
    """
    _, exponent = np.frexp(np.abs(values.astype(np.float64)))
    return np.asarray(np.ldexp(1.0, np.maximum(exponent - 1, _SMALLEST[bits]) - bits))


def rounded_to(values: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Values as the float type with so many bits behind the point keeps them: 7 bfloat16, 10 float16, 23 float32."""
    if bits == 23:
        return values
    if bits == 7:
        return np.asarray(values.astype(ml_dtypes.bfloat16).astype(np.float32))
    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float32)
