"""How a logical matrix [out, in] lies in its files: which bytes hold given rows, and what they mean.

A format describes every tensor as a `LogicalTensor`; whatever it does with the bytes (packing, scales, transposition,
fusion) stays behind the two methods of `Storage`, and nothing after it knows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from . import dtypes
from .reader import Range

MOST_VALUES = 1 << 62
"""Of one tensor, an empty axis counted as 1: products of a shape's axes stay within int64."""


class Storage(Protocol):
    """Access to the rows of one logical matrix."""

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The byte ranges needed for `rows`, in any order; cheap, nothing is read."""
        ...

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), in] of `rows`, from the bytes of `ranges(rows)` in that order."""
        ...


@dataclass(frozen=True, slots=True)
class LogicalTensor:
    """One weight as the architecture means it, whatever the file does to it. `shape` is the logical one."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    storage: Storage

    @property
    def parameters(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def matrix(self) -> tuple[int, int]:
        """(out, in): a vector is one row, a kernel [out, in, ...] a row an output."""
        if len(self.shape) < 2:
            return 1, self.parameters
        return self.shape[0], math.prod(self.shape[1:])


@dataclass(frozen=True, slots=True)
class RowMajor:
    """The plain layout: rows one after another, from `offset` of `file`."""

    file: str
    offset: int
    dtype: str
    columns: int

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """One range a run of neighbouring rows."""
        width = dtypes.nbytes(self.dtype, self.columns)
        return [Range(self.file, self.offset + first * width, count * width) for first, count in runs(rows)]

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), columns]; `rows` must be ascending."""
        return dtypes.decode(b"".join(chunks), self.dtype).reshape(len(rows), self.columns)

    def cut(self, first: int, columns: int) -> RowMajor | None:
        """The same values from number `first` on, in rows of `columns`; None where a row would start inside a byte."""
        bits = dtypes.BITS[self.dtype]
        if first * bits % 8 or columns * bits % 8:
            return None
        return RowMajor(self.file, self.offset + first * bits // 8, self.dtype, columns)


def runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Runs (first, count) of neighbouring numbers in an ascending sequence: [3, 4, 5, 9] -> [(3, 3), (9, 1)]."""
    if isinstance(rows, range) and rows.step == 1:
        return [(rows.start, len(rows))] if rows else []
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and row == found[-1][0] + found[-1][1]:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((row, 1))
    return found
