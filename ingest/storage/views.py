"""Views of stored matrices: rows in another order, the transpose, one matrix of a stack: each a Storage."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from . import dtypes
from .bounds import Bounds, BoundValues, bounds_of
from .logical import RowMajor, Storage, runs
from .reader import Range

WHOLE_ROW = 16 << 10
"""Bytes of a stored row up to which a transposed matrix is read as one range: below it, the pieces that are not needed
cost less than a range of their own for each (the gap at which reads of a local file are merged)."""


@runtime_checkable
class Stack(Protocol):
    """A storage whose values can be taken as rows of another width: a stack of matrices as one of them."""

    def cut(self, first: int, columns: int) -> Storage | None:
        """The rows of `columns` values from value `first` on; None where rows would share bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Strides:
    """Which stored rows the rows of a part are: row (i, j, ...) of `sizes` is start + i steps[0] + j steps[1] + ..."""

    start: int
    sizes: tuple[int, ...]
    steps: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many rows there are."""
        return math.prod(self.sizes)

    def stored(self, rows: Sequence[int]) -> NDArray[np.int64]:
        """The stored rows int64 [len(rows)] of `rows`."""
        places = np.unravel_index(np.asarray(rows, np.int64), self.sizes)
        total = np.full(len(rows), self.start, np.int64)
        for place, step in zip(places, self.steps, strict=True):
            total += place * step
        return total


@dataclass(frozen=True, slots=True)
class InTurn:
    """The rows of several parts one after another, each in an order of its own."""

    parts: tuple[Strides, ...]

    @property
    def count(self) -> int:
        """How many rows there are."""
        return sum(part.count for part in self.parts)

    def stored(self, rows: Sequence[int]) -> NDArray[np.int64]:
        """The stored rows int64 [len(rows)] of `rows`."""
        asked = np.asarray(rows, np.int64)
        found, first = np.zeros(len(asked), np.int64), 0
        for part in self.parts:
            inside = (asked >= first) & (asked < first + part.count)
            found[inside] = part.stored((asked[inside] - first).tolist())
            first += part.count
        return found


@dataclass(frozen=True, slots=True)
class RowsOf:
    """Rows of another storage, in the order of `strides`."""

    storage: Storage
    strides: Strides | InTurn

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the stored rows, which are asked for in ascending order and once each."""
        return self.storage.ranges(np.unique(self.strides.stored(rows)).tolist())

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), in]."""
        stored, place = np.unique(self.strides.stored(rows), return_inverse=True)
        return self.storage.decode(stored.tolist(), chunks)[place]

    def bounds(self) -> BoundsOfRows | None:
        """Between which values those lay that were rounded; None where that is not known."""
        bounds = bounds_of(self.storage)
        return None if bounds is None else BoundsOfRows(bounds, self.strides)


@dataclass(frozen=True, slots=True)
class BoundsOfRows:
    """The bounds of rows of another storage, in the order of `strides`."""

    inner: Bounds
    strides: Strides | InTurn

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """Those of the values."""
        return self.inner.ranges(np.unique(self.strides.stored(rows)).tolist())

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> BoundValues:
        """The bounds [len(rows), in]."""
        stored, place = np.unique(self.strides.stored(rows), return_inverse=True)
        return self.inner.decode(stored.tolist(), chunks)[place]


@dataclass(frozen=True, slots=True)
class ColumnsOf:
    """Values of another storage's rows, in the order of `strides`: a part of a fused bias."""

    storage: Storage
    strides: Strides

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the whole stored rows."""
        return self.storage.ranges(rows)

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), strides.count]."""
        return self.storage.decode(rows, chunks)[:, self.strides.stored(range(self.strides.count))]


@dataclass(frozen=True, slots=True)
class Frames:
    """Rows of several storages as one, whose values take turns in pieces of `size`: frames that one kernel sees."""

    storages: tuple[Storage, ...]
    size: int

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of each storage, one after another."""
        return [one for storage in self.storages for one in storage.ranges(rows)]

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), columns of all storages]."""
        left, parts = list(chunks), []
        for storage in self.storages:
            count = len(storage.ranges(rows))
            parts.append(storage.decode(rows, left[:count]).reshape(len(rows), -1, self.size))
            left = left[count:]
        return np.stack(parts, axis=2).reshape(len(rows), -1)


@dataclass(frozen=True, slots=True)
class Transposed:
    """A matrix [out, in] that is stored as [in, out]: each of its rows has one value in every stored row.

    Sixteen of them cost 16 values of each stored row, or all of the matrix where stored rows are below WHOLE_ROW.
    """

    stored: RowMajor
    inputs: int

    @property
    def _width(self) -> int:
        return dtypes.nbytes(self.stored.dtype, self.stored.columns)

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """One range of everything, or one a stored row and run of neighbouring rows."""
        file, offset, width = self.stored.file, self.stored.offset, self._width
        if width <= WHOLE_ROW:
            return [Range(file, offset, self.inputs * width)]
        item = dtypes.nbytes(self.stored.dtype, 1)
        pieces = [(first * item, count * item) for first, count in runs(rows)]
        return [Range(file, offset + i * width + at, length) for i in range(self.inputs) for at, length in pieces]

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), in]; `rows` must be ascending."""
        values = dtypes.decode(b"".join(chunks), self.stored.dtype).reshape(self.inputs, -1)
        if self._width <= WHOLE_ROW:
            values = values[:, list(rows)]
        return np.ascontiguousarray(values.T)


def transposed(storage: Storage, inputs: int, outputs: int, first: int = 0) -> Transposed | None:
    """The matrix [outputs, inputs] stored as [inputs, outputs] from value `first` on; None where that has no places."""
    if not isinstance(storage, RowMajor) or dtypes.BITS[storage.dtype] < 8:
        return None
    return Transposed(
        RowMajor(storage.file, storage.offset + dtypes.nbytes(storage.dtype, first), storage.dtype, outputs), inputs
    )


def groups(parts: Iterable[int], count: int) -> list[Strides]:
    """The rows of each part, where `count` groups follow one another and each holds parts[0], parts[1], ... rows."""
    sizes = list(parts)
    period, start, found = sum(sizes), 0, []
    for size in sizes:
        found.append(Strides(start, (count, size), (period, 1)))
        start += size
    return found


def alternating(parts: int, rows: int) -> list[Strides]:
    """The rows of each of `parts` parts that take turns: 0, parts, 2 parts, ... is the first."""
    return [Strides(start, (rows // parts,), (parts,)) for start in range(parts)]
