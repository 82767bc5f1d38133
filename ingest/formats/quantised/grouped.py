"""Codes times scales: the arithmetic that nearly every scheme shares, over storages that know where the parts lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...storage.logical import RowMajor, Storage
from ...storage.reader import Range
from ...storage.views import RowsOf, Strides


@dataclass(frozen=True, slots=True)
class Grouped:
    """(codes - centre - zeros) x scales x unit x factor + biases, a scale for every `group` columns of a row.

    Each part is a storage of [out, groups], `unit` one value for all (divided by when `inverse`). `order` says for
    every column which group it belongs to (GPTQ's g_idx); a column of a group that is not there is not a number.
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
        found: dict[str, NDArray[np.float32]] = {}
        at = 0
        for name, storage, wanted in self._parts(rows):
            count = len(storage.ranges(wanted))
            found[name] = storage.decode(wanted, chunks[at : at + count])
            at += count
        with np.errstate(all="ignore"):
            groups = found["order"][0] if "order" in found else np.arange(self.columns) // self.group
            values = found["codes"] - np.float32(self.centre)
            if "zeros" in found:
                values -= _spread(found["zeros"], groups)
            if "scales" in found:
                values *= _spread(found["scales"], groups)
            if "unit" in found:
                values = values / found["unit"][0, 0] if self.inverse else values * found["unit"][0, 0]
            if self.factor != 1:
                values *= np.float32(self.factor)
            if "biases" in found:
                values += _spread(found["biases"], groups)
        return np.asarray(values, np.float32)


def _spread(parts: NDArray[np.float32], groups: NDArray[np.generic]) -> NDArray[np.float32]:
    """The value [rows, columns] of each column's group; NaN for a group that is not there."""
    there = (groups >= 0) & (groups < parts.shape[1])  # type: ignore[operator]
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
