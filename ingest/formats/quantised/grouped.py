"""Codes times scales: the arithmetic that nearly every scheme shares, over storages that know where the parts lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...storage.bounds import Bounds, BoundsOf, BoundValues, around
from ...storage.logical import RowMajor, Storage
from ...storage.reader import Range
from ...storage.views import RowsOf, Strides

_ERROR = {"BF16": 2.0**-8, "F16": 2.0**-11}
"""Half a step of a type, relative to the value."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Codes that are the nearest: `most` is the magnitude from which on one may stand for values beyond it.

    Codes are whole numbers, or floats with so many bits of `fraction` and exponents from `least` on.
    """

    most: float
    fraction: int | None = None
    least: int = 0

    def steps(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """From each code to the next one away from 0."""
        if self.fraction is None:
            return np.ones_like(codes)
        exponent = np.where(codes == 0, self.least, np.maximum(np.frexp(codes)[1] - 1, self.least))
        return np.ldexp(np.float32(1), exponent - self.fraction).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Grouped:
    """(codes - centre - zeros) x scales x unit x factor + biases, a scale for every `group` columns of a row.

    Each part is a storage of [out, groups], `unit` one value for all (divided by when `inverse`). `order` says for
    every column which group it belongs to (GPTQ's g_idx); a column of a group that is not there is not a number.
    `nearest` says of a scheme whose codes are the nearest ones how these lie.
    """

    codes: Storage
    columns: int
    group: int
    scales: Storage | None = None
    zeros: Storage | None = None
    biases: Storage | None = None
    order: RowMajor | None = None
    unit: RowMajor | None = None
    inverse: bool = False
    centre: float = 0.0
    factor: float = 1.0
    nearest: Levels | None = None

    def _parts(self, rows: Sequence[int]) -> Iterator[tuple[str, Storage, Sequence[int]]]:
        """The storages that are there, with the rows that they are asked for."""
        for name in ("codes", "scales", "zeros", "biases"):
            storage: Storage | None = getattr(self, name)
            if storage is not None:
                yield name, storage, rows
        for name in ("order", "unit"):
            if (one := getattr(self, name)) is not None:
                yield name, one, [0]

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of every part in turn."""
        return [r for _, storage, wanted in self._parts(rows) for r in storage.ranges(wanted)]

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), columns]; `rows` must ascend."""
        return self._values(self._found(rows, chunks))

    def _values(self, found: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """What the parts stand for."""
        with np.errstate(all="ignore"):
            values = found["codes"] - np.float32(self.centre)
            if "zeros" in found:
                values -= self._spread(found, "zeros")
            values = self._scaled(found, values)
            if "biases" in found:
                values += self._spread(found, "biases")
        return np.asarray(values, np.float32)

    def bounds(self) -> Bounds | None:
        """Between which values those lay that were rounded; None where codes need not be the nearest."""
        return None if self.nearest is None else BoundsOf(self, partial(self._bounds, self.nearest))

    def _bounds(self, levels: Levels, rows: Sequence[int], chunks: Sequence[bytes]) -> BoundValues:
        """The bounds [len(rows), columns] of the values; beyond a code that may be cut off there is none."""
        found = self._found(rows, chunks)
        codes, values = found["codes"], self._values(found)
        with np.errstate(all="ignore"):
            step = self._scaled(found, levels.steps(codes))
            of_scale = np.abs(self._scaled(found, codes - np.float32(self.centre)))
            reach = np.abs(step) / 2 + np.float32(self._error_of_scales()) * of_scale
            reach = np.where(step != 0, reach, np.float32(np.nan))
            outermost = np.abs(codes) >= levels.most
            upward = (codes > 0) == (step > 0)
        below = np.where(outermost & ~upward, np.float32(np.inf), reach)
        return around(values, below, np.where(outermost & upward, np.float32(np.inf), reach))

    def _error_of_scales(self) -> float:
        """The largest relative error that the type of the scales leaves of them."""
        stored = self.scales.stored if isinstance(self.scales, BlockRows) else self.scales or self.unit
        return _ERROR.get(stored.dtype, 0.0) if isinstance(stored, RowMajor) else 0.0

    def _found(self, rows: Sequence[int], chunks: Sequence[bytes]) -> dict[str, NDArray[np.float32]]:
        """The values of every part that is there."""
        found: dict[str, NDArray[np.float32]] = {}
        at = 0
        for name, storage, wanted in self._parts(rows):
            count = len(storage.ranges(wanted))
            found[name] = storage.decode(wanted, chunks[at : at + count])
            at += count
        return found

    def _scaled(self, found: Mapping[str, NDArray[np.float32]], values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values [rows, columns] times their scales."""
        if "scales" in found:
            values = values * self._spread(found, "scales")
        if "unit" in found:
            values = values / found["unit"][0, 0] if self.inverse else values * found["unit"][0, 0]
        return values * np.float32(self.factor) if self.factor != 1 else values

    def _spread(self, found: Mapping[str, NDArray[np.float32]], name: str) -> NDArray[np.float32]:
        """A part's value [rows, columns] of each column's group; NaN for a group that is not there."""
        parts = found[name]
        groups = found["order"][0] if "order" in found else np.arange(self.columns) // self.group
        there = (groups >= 0) & (groups < parts.shape[1])
        wide = parts[:, np.where(there, groups, 0).astype(np.int64)]
        return np.where(there, wide, np.float32(np.nan))


@dataclass(frozen=True, slots=True)
class BlockRows:
    """The scales of blocks of `height` rows, one row of them for each row of a stack of matrices of `rows` rows."""

    stored: Storage
    rows: int
    height: int

    def _stored(self, rows: Sequence[int]) -> NDArray[np.int64]:
        matrix, row = np.divmod(np.asarray(rows, np.int64), max(1, self.rows))
        return matrix * -(-self.rows // self.height) + row // self.height

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the rows of blocks, once each."""
        return self.stored.ranges(np.unique(self._stored(rows)).tolist())

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The scales [len(rows), blocks of a row]."""
        needed, place = np.unique(self._stored(rows), return_inverse=True)
        return self.stored.decode(needed.tolist(), chunks)[place]


@dataclass(frozen=True, slots=True)
class StackRows:
    """A stack [matrices, rows, columns] over the storage of all its rows [matrices x rows, columns].

    Its own rows are whole matrices; `cut` gives one of them.
    """

    tall: Storage
    rows: int
    columns: int

    def _tall(self, rows: Sequence[int]) -> list[int]:
        return [row * self.rows + i for row in rows for i in range(self.rows)]

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of whole matrices."""
        return self.tall.ranges(self._tall(rows))

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), rows x columns]."""
        return self.tall.decode(self._tall(rows), chunks).reshape(len(rows), -1)

    def cut(self, first: int, columns: int) -> RowsOf | None:
        """The matrix that begins at value `first`; None where a row of `columns` values is none of the stack."""
        if columns != self.columns or columns == 0 or first % columns:
            return None
        return RowsOf(self.tall, Strides(first // columns, (self.rows,), (1,)))


def stacked(tall: Storage, shape: Sequence[int]) -> Storage:
    """The storage of a tensor of `shape` whose last dimension is the columns of `tall`, all others its rows."""
    if len(shape) == 2:
        return tall
    rows = 1
    for n in shape[1:-1]:
        rows *= n
    return StackRows(tall, rows, shape[-1])
