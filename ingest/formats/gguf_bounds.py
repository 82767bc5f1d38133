"""Between which values those lay that were rounded to quantised GGML values.

In the types of CODES a value is code x step + least, and the step follows from the bytes of its block: it is what one
code more makes. Codes are the nearest ones, up to what float16 took from the step:

- K-quants round in their last pass by the scales that are stored. Outermost codes also stand for what lies beyond.
- Q8_0: the step is the largest magnitude of a block over 127. Nothing in it lies beyond that.
- Q4_0 and Q5_0: code 0 is the value of largest magnitude, and the last code also stands for what lies beyond.
- Q4_1 and Q5_1: the first and the last code are the least and the largest value.

Made with an importance matrix, the last four have a step that was fitted after the codes were made: then values may lie
outside of these bounds.

- IQ4_NL, IQ4_XS and MXFP4: a value is a level times the scale of its block, the nearest level; the outermost two also
  stand for what lies beyond.

Source: llama.cpp `ggml/src/ggml-quants.c` (`quantize_row_*_ref`, `quantize_row_*_impl`), layouts of `ggml-common.h`.

Limitations: other types have no bounds: several values share a code in IQ1 to IQ3, TQ and NVFP4 are not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..storage.bounds import HALF_OF_LEAST, HALF_STEP, Bounds, BoundsOf, BoundValues, around

if TYPE_CHECKING:
    from .gguf_file import GgmlRows

Floats = NDArray[np.float32]
_STEP, _BOTH = "step", "step and least value"
_OPEN, _CLOSED = "open", "closed"
"""An outermost code also stands for what lies beyond it, or is itself the outermost value."""


@dataclass(frozen=True, slots=True)
class Codes:
    """Which bytes of a block are codes: `first` to `end`. Their low bits are `low`, where `one` is a byte of codes 1.

    `ends` says what the first and the last code stand for; `kept`, what was rounded to float16 after codes were made.
    Codes of Q8_0 are `signed`, and end at -127 and 127.
    """

    first: int
    end: int
    low: slice
    one: int
    ends: tuple[str, str] = (_OPEN, _OPEN)
    kept: str | None = None
    signed: bool = False


CODES = {
    "Q8_0": Codes(2, 34, slice(2, 34), 0x01, (_CLOSED, _CLOSED), kept=_STEP, signed=True),
    "Q4_0": Codes(2, 18, slice(2, 18), 0x11, (_CLOSED, _OPEN), kept=_STEP),
    "Q4_1": Codes(4, 20, slice(4, 20), 0x11, (_CLOSED, _CLOSED), kept=_BOTH),
    "Q5_0": Codes(2, 22, slice(6, 22), 0x11, (_CLOSED, _OPEN), kept=_STEP),
    "Q5_1": Codes(4, 24, slice(8, 24), 0x11, (_CLOSED, _CLOSED), kept=_BOTH),
    "Q2_K": Codes(16, 80, slice(16, 80), 0x55),
    "Q3_K": Codes(0, 96, slice(32, 96), 0x55),
    "Q4_K": Codes(16, 144, slice(16, 144), 0x11),
    "Q5_K": Codes(16, 176, slice(48, 176), 0x11),
    "Q6_K": Codes(0, 192, slice(0, 128), 0x11),
}
"""By the name of the type."""
_LARGEST = 127
"""The largest code of Q8_0, and minus the least one."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Which bytes of a block are codes of 4 bits: `first` to `end`, and `table`, what they stand for times the scale.

    `unit` is a byte of codes of level 1; `error`, the relative one of the scales.
    """

    first: int
    end: int
    unit: int
    table: tuple[float, ...]
    error: float


_IQ4 = (-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)
_E2M1 = (-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12)
LEVELS = {
    "IQ4_NL": Levels(2, 18, 0x88, _IQ4, float(HALF_STEP)),
    "IQ4_XS": Levels(8, 136, 0x88, _IQ4, float(HALF_STEP)),
    "MXFP4": Levels(1, 17, 0x11, _E2M1, 0.0),
}
"""By the name of the type; `table` ascends."""


@dataclass(frozen=True, slots=True)
class LevelBounds:
    """The bounds of the values of `stored`, whose codes stand for `levels`."""

    stored: GgmlRows
    levels: Levels

    def bounds(self, rows: Sequence[int], chunks: Sequence[bytes]) -> BoundValues:
        """The bounds [len(rows), columns]: half of the way to the next levels; none of values without a scale."""
        levels, data = self.levels, b"".join(chunks)
        blocks = np.frombuffer(data, np.uint8).reshape(-1, self.stored.block_bytes).copy()
        values = self.stored.decode(rows, [data])
        blocks[:, levels.first : levels.end] = levels.unit
        unit = self.stored.decode(rows, [blocks.tobytes()])
        table = np.array(levels.table, np.float32)
        middle = (table[1:] + table[:-1]) / 2
        with np.errstate(all="ignore"):
            ratio = values / np.where(unit == 0, np.float32(np.nan), unit)
            at = np.searchsorted(middle, ratio)
            lower = ratio - np.concatenate([[-np.inf], middle])[at]
            upper = np.concatenate([middle, [np.inf]])[at] - ratio
            error = np.abs(values) * levels.error
            sides = np.where(unit > 0, (lower, upper), (upper, lower)) * np.abs(unit) * (1 + levels.error) + error
        return around(values, *sides.astype(np.float32))


@dataclass(frozen=True, slots=True)
class GgmlBounds:
    """The bounds of the values of `stored`, whose codes stand as `codes` says."""

    stored: GgmlRows
    codes: Codes

    def bounds(self, rows: Sequence[int], chunks: Sequence[bytes]) -> BoundValues:
        """The bounds [len(rows), columns]; none of values whose block has no step."""
        codes, data = self.codes, b"".join(chunks)
        blocks = np.frombuffer(data, np.uint8).reshape(-1, self.stored.block_bytes)
        values = self.stored.decode(rows, [data])
        least, following = (self._decoded(rows, blocks, 0, low) for low in (0, codes.one))
        with np.errstate(all="ignore"):
            step = following - least
            if codes.signed:
                least, most = -_LARGEST * step, _LARGEST * step
            else:
                most = self._decoded(rows, blocks, 0xFF, 0xFF)
            size = np.abs(step)
            relative, error = self._errors(values, least, size)
            reach = np.where(size > 0, size / 2 * (1 + relative) + error, np.nan)
            below, above = reach.copy(), reach.copy()
            for end, kind, downward in ((least, codes.ends[0], step > 0), (most, codes.ends[1], step < 0)):
                there = np.abs(values - end) < size / 4
                outward = error if kind == _CLOSED else np.full_like(error, np.inf)
                below = np.where(there & downward, outward, below)
                above = np.where(there & ~downward, outward, above)
        return around(values, below, above)

    def _errors(self, values: Floats, least: Floats, step: Floats) -> tuple[Floats, Floats]:
        """Relative error of the step, and how far values are off, as float16 keeps the step and the least value."""
        if self.codes.kept is None:
            return np.zeros_like(step), np.zeros_like(values)
        relative = np.maximum(HALF_STEP, HALF_OF_LEAST / step)
        if self.codes.kept == _STEP:
            return relative, np.abs(values) * relative
        of_least = np.maximum(np.abs(least) * HALF_STEP, HALF_OF_LEAST)
        return relative, np.abs(values - least) * relative + of_least

    def _decoded(self, rows: Sequence[int], blocks: NDArray[np.uint8], fill: int, low: int) -> Floats:
        """The values that blocks of the same scales have whose codes' bytes are `fill`, those of low bits `low`."""
        made = blocks.copy()
        made[:, self.codes.first : self.codes.end] = fill
        made[:, self.codes.low] = low
        return self.stored.decode(rows, [made.tobytes()])


def ggml_bounds(stored: GgmlRows, kind: str) -> Bounds | None:
    """The bounds of rows of a GGML type; None where they are not known of it."""
    if kind in LEVELS:
        return BoundsOf(stored, LevelBounds(stored, LEVELS[kind]).bounds)
    return BoundsOf(stored, GgmlBounds(stored, CODES[kind]).bounds) if kind in CODES else None
