"""Values of ONNX initialisers: plain ones, 8-bit codes with a scale, 4- and 8-bit blocks of MatMulNBits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..reader import Range
from ..storage import RowMajor, Storage

DTYPES = {
    1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 9: "BOOL", 10: "F16", 11: "F64", 12: "U32",
    13: "U64", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ", 19: "F8_E5M2", 20: "F8_E5M2FNUZ",
}  # fmt: skip
"""TensorProto.DataType; strings, complex numbers and types below 8 bits are left out."""
TYPED = {4: "F32", 10: "F64"}
"""Fields whose values are packed as they lie in memory; those of the others are numbers of varying length."""


@dataclass(frozen=True, slots=True)
class Affine:
    """(codes - zero) x scale of DequantizeLinear: one scale for all, or one a row."""

    codes: Storage
    scale: RowMajor
    zero: RowMajor | None
    by_row: bool

    def _vectors(self) -> list[RowMajor]:
        return [self.scale, *([self.zero] if self.zero else [])]

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the codes, then scale and zero whole."""
        return self.codes.ranges(rows) + [r for vector in self._vectors() for r in vector.ranges([0])]

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), in]."""
        vectors = self._vectors()
        values = self.codes.decode(rows, chunks[: -len(vectors)])
        found = [v.decode([0], [c])[0] for v, c in zip(vectors, chunks[-len(vectors) :], strict=True)]
        scale, zero = found[0], found[1] if len(found) > 1 else np.zeros(1, np.float32)
        if self.by_row:
            scale, zero = scale[list(rows), None], zero[list(rows), None] if len(found) > 1 else zero
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
