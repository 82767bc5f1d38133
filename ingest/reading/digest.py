"""Digests of whole tensors that pass by block by block: SHA-256, whose instructions processors have."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float32]
"""Consecutive rows of a tensor, float32 [rows, in]."""
_ZEROS = 1 << 20


@dataclass(frozen=True, slots=True)
class TensorDigest:
    """SHA-256 of a tensor, in hexadecimal.

    `values` is that of the shape and the float32 values with one zero and one NaN: equal for copies of any dtype,
    layout or format that kept every value. `bytes` is that of the stored bytes; None where the file keeps the tensor in
    pieces, packed or in another order.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    values: str
    bytes: str | None


def canonical(chunk: bytes) -> bool:
    """Whether bfloat16 values hold neither a negative zero nor NaN, which the digest of values spells in one way."""
    halves = np.frombuffer(chunk, "<u2")
    magnitudes = halves & np.uint16(0x7FFF)
    return not (halves == 0x8000).any() and int(magnitudes.max(initial=0)) <= 0x7F80


class ValueDigest:
    """SHA-256 of float32 values, independent of how they are cut into blocks.

    The upper and the lower 16 bits are digested apart: values that came from bfloat16 have no lower ones.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._upper, self._lower = hashlib.sha256(), hashlib.sha256()
        self._zeros = 0
        self._any_lower = False

    def adopt(self, upper: hashlib._Hash, count: int) -> None:
        """Begin with the digest of the upper halves of `count` float32 values whose lower halves are 0."""
        self._upper, self._zeros = upper.copy(), 2 * count

    def update(self, block: Block) -> None:
        """The next values, float32 of any shape, in row-major order."""
        values = np.ascontiguousarray(block, "<f4") + np.float32(0)
        missing = np.isnan(values)
        if missing.any():
            values[missing] = np.nan  # one spelling: 0x7FC00000
        halves = values.reshape(-1).view("<u2")
        self._upper.update(np.ascontiguousarray(halves[1::2]).data)
        lower = np.ascontiguousarray(halves[::2])
        if lower.any():
            self._fill()
            self._lower.update(lower.data)
            self._any_lower = True
        else:
            self._zeros += lower.nbytes

    def _fill(self) -> None:
        while self._zeros:
            some = min(self._zeros, _ZEROS)
            self._lower.update(bytes(some))
            self._zeros -= some

    def hexdigest(self) -> str:
        """The digest of the values so far."""
        whole = hashlib.sha256(str(self._shape).encode() + self._upper.digest())
        if self._any_lower:
            self._fill()
            whole.update(self._lower.digest())
        return whole.hexdigest()
