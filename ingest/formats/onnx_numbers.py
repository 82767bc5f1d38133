"""Values of ONNX tensors in typed fields that have no place of their own each: read whole, whichever rows are wanted.

`int32_data` and its like hold numbers of 7 bits a byte, lowest first, the last byte below 128; negative ones are those
modulo 2^64, and float16 and float8 stand there as the numbers of their bits. onnx.helper.make_tensor writes float16
so, onnxruntime's quantiser its zero points. Writers that do not pack repeated fields put the field's key before every
value, of `float_data` too.

Source: https://protobuf.dev/programming-guides/encoding, onnx/onnx.proto (TensorProto).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ..storage import dtypes
from ..storage.reader import Range

FIELD_LIMIT = 16 << 20
"""Bytes of a field that is read whole: its values take four times as much at most."""
FIXED = {4: "F32", 10: "F64"}
"""Fields whose values have all the same width."""
FIELDS: dict[int, frozenset[str]] = {
    4: frozenset({"F32"}),
    5: frozenset({
        "BOOL", "U8", "I8", "U16", "I16", "I32", "F16", "BF16", "F8_E4M3", "F8_E4M3FNUZ", "F8_E5M2", "F8_E5M2FNUZ",
    }),
    7: frozenset({"I64"}),
    10: frozenset({"F64"}),
    11: frozenset({"U32", "U64"}),
}  # fmt: skip
"""Which types of values each typed field of a TensorProto holds."""
_BLOCK = 1 << 20  # bytes decoded at once: a byte takes up to 40 bytes on the way


@dataclass(frozen=True, slots=True)
class Numbers:
    """Rows of `columns` values of a field of `count` values; with `inputs`, of a matrix stored as [inputs, columns].

    `field` is the field's number; `is_tagged`: its key stands before every value. `first` is the value that the rows
    begin with.
    """

    file: str
    offset: int
    length: int
    field: int
    dtype: str
    count: int
    columns: int
    is_tagged: bool = False
    first: int = 0
    inputs: int = 0

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The whole field."""
        return [Range(self.file, self.offset, self.length)] if len(rows) else []

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), columns], or [len(rows), inputs]. Raises FormatError for other values than claimed."""
        if not len(rows):
            return np.zeros((0, self.inputs or self.columns), np.float32)
        raw = np.frombuffer(b"".join(chunks), np.uint8)
        values = (self._fixed(raw) if self.field in FIXED else self._varying(raw))[self.first :]
        if self.inputs:
            stored = values[: self.inputs * self.columns].reshape(self.inputs, self.columns)
            return np.ascontiguousarray(stored[:, list(rows)].T)
        last = max(rows) + 1
        return values[: last * self.columns].reshape(last, self.columns)[list(rows)]

    def cut(self, first: int, columns: int) -> Numbers:
        """The same values from number `first` on, in rows of `columns`."""
        return replace(self, first=self.first + first, columns=columns)

    def transposed(self, inputs: int, outputs: int) -> Numbers:
        """The matrix [outputs, inputs] that is stored as [inputs, outputs]."""
        return replace(self, inputs=inputs, columns=outputs)

    def _error(self) -> FormatError:
        return FormatError(
            f"{self.file}: {self.length} bytes at {self.offset} do not hold {self.count} values of {self.dtype}"
        )

    def _fixed(self, raw: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Values of one width, each behind its key."""
        width = dtypes.nbytes(FIXED[self.field], 1)
        key = self.field << 3 | (5 if width == 4 else 1)
        if len(raw) != self.count * (1 + width) or (raw[:: 1 + width] != key).any():
            raise self._error()
        return dtypes.decode(raw.reshape(-1, 1 + width)[:, 1:].tobytes(), self.dtype)

    def _varying(self, raw: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Numbers of varying length, as values of the tensor's type."""
        expected = self.count * (2 if self.is_tagged else 1)
        if expected > len(raw) or (len(raw) and raw[-1] >= 128):
            raise self._error()
        values = np.empty(self.count, np.float32)
        done = 0
        for block in _blocks(raw):
            numbers = self._numbers(block)
            behind = done + len(numbers)
            if behind > expected:
                raise self._error()
            place = slice(done, behind)
            if self.is_tagged:  # a key is a number of one byte before each value
                if (numbers[done % 2 :: 2] != self.field << 3).any():
                    raise self._error()
                numbers, place = numbers[1 - done % 2 :: 2], slice(done // 2, behind // 2)
            values[place] = self._typed(numbers)
            done = behind
        if done != expected:
            raise self._error()
        return values

    def _numbers(self, block: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """The numbers of bytes that end with one."""
        ends = np.flatnonzero(block < 128)
        starts = np.concatenate(([0], ends[:-1] + 1))
        lengths = ends - starts + 1
        if lengths.max() > 10:
            raise self._error()
        places = np.arange(len(block)) - np.repeat(starts, lengths)
        return np.add.reduceat((block & 127).astype(np.uint64) << (7 * places).astype(np.uint64), starts)

    def _typed(self, numbers: NDArray[np.uint64]) -> NDArray[np.float32]:
        """Numbers as values of the tensor's type."""
        if self.dtype not in dtypes.FLOATS:
            return numbers.astype(np.float32) if self.dtype == "U64" else numbers.view(np.int64).astype(np.float32)
        width = dtypes.nbytes(self.dtype, 1)
        if len(numbers) and int(numbers.max()) >> 8 * width:
            raise self._error()
        return dtypes.decode(numbers.astype(f"<u{width}").tobytes(), self.dtype)


def _blocks(raw: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Pieces of about _BLOCK bytes that end with a number."""
    begin = 0
    while begin < len(raw):
        end = min(begin + _BLOCK, len(raw))
        while end < len(raw) and raw[end - 1] >= 128:
            end += 1
        yield raw[begin:end]
        begin = end
