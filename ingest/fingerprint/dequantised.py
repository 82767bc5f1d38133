"""Float files that hold the values of a quantised one: between which values those lay that were rounded.

Who unpacks a GGUF writes floats that are whole multiples of a step in every block of 32, and steps are float16. So a
block is known where some step gives all its values to the last bit, as the type of the file keeps them; one trained
value would not fit. All blocks of the leading rows have to be of one type.

Limitations: Q8_0, Q5_0 and Q4_0 alone. Others have two numbers a block, or blocks whose largest code need not occur.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from ..storage.bounds import HALF_OF_LEAST, HALF_STEP, BoundValues, around

Floats = NDArray[np.float32]
_GROUP = 32
_FLOATS = {"BF16": np.dtype(ml_dtypes.bfloat16), "F16": np.dtype(np.float16), "F32": np.dtype(np.float32)}
"""The coarsest first."""
_LARGEST = {"Q4_0": 8, "Q5_0": 16, "Q8_0": 127}
"""The code of the largest magnitude of a block, the fewest levels first: all others are at most as large."""
_NEAR, _COARSEST = 0.05, 2.0**-7
"""Of a step: how far from a whole number a value may be, and how much more for each step as bfloat16 keeps it."""
_STEPS = 8
"""Of float16 to one of bfloat16: so many steps may have given one largest value."""


def dequantised_bounds(block: Floats, dtype: str) -> BoundValues | None:
    """Bounds [rows, in] of the leading rows [rows, in] of a float matrix; None where they are no quantised values."""
    if dtype not in _FLOATS or not block.size or block.shape[1] % _GROUP:
        return None
    if not np.isfinite(block).all() or not block.any():
        return None
    parts = block.reshape(-1, _GROUP)
    for kind, most in _LARGEST.items():
        if _may_be(parts[0], most) and (step := _steps(parts, most, _coarsest(block))) is not None:
            return _bounds(parts, step, kind).reshape(block.shape)
    return None


def _coarsest(block: Floats) -> np.dtype[Any]:
    """The coarsest float type that holds all values: a file of float32 may be one of float16, saved again."""
    with np.errstate(over="ignore"):
        held = (t for t in _FLOATS.values() if (block.astype(t).astype(np.float32) == block).all())
        return next(held, _FLOATS["F32"])


def _may_be(values: Floats, most: int) -> bool:
    """Whether the values [32] of a block are near whole numbers of steps: those of most matrices are not."""
    with np.errstate(all="ignore"):
        codes = values.astype(np.float64) * most / max(float(np.abs(values).max()), np.finfo(np.float64).tiny)
        return bool((np.abs(codes - np.rint(codes)) <= _NEAR + np.abs(codes) * _COARSEST).all())


def _steps(parts: Floats, most: int, kept: np.dtype[Any]) -> NDArray[np.float64] | None:
    """The least and the largest step [2, n] that give all values of each block [n, 32] as a type keeps them.

    0 of blocks of zeros. None where a block has no such step.
    """
    largest = np.abs(parts).max(axis=1).astype(np.float64)
    with np.errstate(all="ignore"):
        middle = (largest / most).astype(np.float16)
        least, top = np.full(len(parts), np.inf), np.zeros(len(parts))
        for away in range(-_STEPS, _STEPS + 1):
            step = (middle.view(np.int16) + np.int16(away)).view(np.float16).astype(np.float32)
            codes = np.rint(parts / step[:, None])
            again = (codes * step[:, None]).astype(kept).astype(np.float32)
            fits = (again == parts).all(axis=1) & (np.abs(codes).max(axis=1) == most) & (step > 0)
            least, top = np.where(fits, np.minimum(least, step), least), np.where(fits, np.maximum(top, step), top)
    least[largest == 0] = 0
    return np.stack([least, top]) if np.isfinite(least).all() else None


def _bounds(parts: Floats, steps: NDArray[np.float64], kind: str) -> BoundValues:
    """Half a step to either side; nothing beyond the largest value, but what the last code was cut off from."""
    with np.errstate(all="ignore"):
        step = steps.mean(axis=0)[:, None]
        codes = np.rint(parts / step)
        values = np.where(step > 0, codes * step, np.nan)
        relative = np.maximum(HALF_STEP, HALF_OF_LEAST / step) + np.diff(steps, axis=0).T / 2 / step
        error = np.abs(values) * relative
        reach = step / 2 * (1 + relative) + error
    most = _LARGEST[kind]
    below, above = np.where(codes == -most, error, reach), np.where(codes == most, error, reach)
    if kind != "Q8_0":  # codes of the sign of the largest value go one further
        downward = np.repeat(parts.min(axis=1) < -parts.max(axis=1), _GROUP).reshape(parts.shape)
        above = np.where(downward & (codes == most - 1), np.inf, above)
        below = np.where(~downward & (codes == 1 - most), np.inf, below)
    return around(values.astype(np.float32), below.astype(np.float32), above.astype(np.float32))
