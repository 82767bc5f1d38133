"""Values of ONNX initialisers: plain ones, integer codes with a scale, 4- and 8-bit blocks of MatMulNBits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..storage.logical import RowMajor, Storage
from ..storage.reader import Range
from ..storage.views import ColumnsOf
from .onnx_numbers import Numbers

DTYPES = {
    1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 9: "BOOL", 10: "F16", 11: "F64", 12: "U32",
    13: "U64", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ", 19: "F8_E5M2", 20: "F8_E5M2FNUZ",
}  # fmt: skip
"""TensorProto.DataType; strings, complex numbers and types below 8 bits are left out."""
INTEGERS = frozenset({"U8", "I8", "U16", "I16", "I32"})
"""Types of codes that DequantizeLinear takes."""


@dataclass(frozen=True, slots=True)
class Affine:
    """(codes - zero) x scale of DequantizeLinear: one scale for all, one a row, or one a column.

    Of the rows' own scales and zero points each is a row of one value, of the others they are one row.
    """

    codes: Storage
    scale: RowMajor | Numbers | ColumnsOf
    zero: RowMajor | Numbers | ColumnsOf | None
    by_row: bool

    def _vectors(self, rows: Sequence[int]) -> list[tuple[Storage, Sequence[int]]]:
        """Scale and zero, and which rows of them are read."""
        vectors: list[RowMajor | Numbers | ColumnsOf] = [self.scale, *([self.zero] if self.zero else [])]
        return [(v, rows if self.by_row and isinstance(v, RowMajor) else [0] if len(rows) else []) for v in vectors]

    def scale_ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of scale and zero."""
        return [found for part, own in self._vectors(rows) for found in part.ranges(own)]

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the codes, then of scale and zero."""
        return self.codes.ranges(rows) + self.scale_ranges(rows)

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), in]."""
        left = iter(chunks)
        values, scale, *zeros = [
            part.decode(own, [next(left) for _ in part.ranges(own)])
            for part, own in [(self.codes, rows), *self._vectors(rows)]
        ]
        if self.by_row and not isinstance(self.scale, RowMajor):
            scale = scale[0, list(rows), None]
        zero: NDArray[np.float32] | float = zeros[0] if zeros else 0.0
        if zeros and self.by_row and not isinstance(self.zero, RowMajor):
            zero = zeros[0][0, list(rows), None]
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray((values - zero) * scale, np.float32)


@dataclass(frozen=True, slots=True)
class Blocks:
    """MatMulNBits: rows of blocks of `block` codes, low bits first; a scale and maybe a zero point for each block.

    Without zero points the codes stand around half of their range. Source: onnxruntime docs/ContribOperators.md.
    """

    codes: RowMajor
    scales: RowMajor
    zeros: RowMajor | None
    bits: int
    block: int
    columns: int

    def _parts(self) -> list[RowMajor]:
        return [self.codes, self.scales, *([self.zeros] if self.zeros else [])]

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of codes, scales and zero points."""
        return [r for part in self._parts() for r in part.ranges(rows)]

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), columns]."""
        parts = self._parts()
        each = len(chunks) // len(parts)
        count = self.scales.columns
        codes = self._codes(b"".join(chunks[:each])).reshape(len(rows), count, -1)[:, :, : self.block]
        scales = self.scales.decode(rows, chunks[each : 2 * each])[:, :, None]
        zero: NDArray[np.float32] | float = float(1 << (self.bits - 1))
        if self.zeros:
            zero = self._codes(b"".join(chunks[2 * each :])).reshape(len(rows), -1)[:, :count, None]
        with np.errstate(over="ignore", invalid="ignore"):
            values = (codes - zero) * scales
        return np.asarray(values.reshape(len(rows), -1)[:, : self.columns], np.float32)

    def _codes(self, data: bytes) -> NDArray[np.float32]:
        raw = np.frombuffer(data, np.uint8)
        return (np.stack((raw & 15, raw >> 4), axis=1).ravel() if self.bits == 4 else raw).astype(np.float32)
