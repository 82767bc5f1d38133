"""Views of a torch storage as rows: one after another, with steps between them, permuted, or scattered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..storage.dtypes import nbytes
from ..storage.logical import RowMajor, Storage
from ..storage.reader import Range
from ..storage.views import ColumnsOf, Strides, transposed

WHOLE_VIEW = 16 << 20
"""Bytes up to which a view with scattered rows is read whole: kernels that were converted from [..., in, out], of which
the largest published have 9 MB."""


@dataclass(frozen=True, slots=True)
class Scattered:
    """A view whose rows have values all over it; `stored` is all of it as one row. Reading any row reads it whole."""

    stored: RowMajor
    sizes: tuple[int, ...]
    strides: tuple[int, ...]

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """One range of everything."""
        return self.stored.ranges([0]) if len(rows) else []

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), in]."""
        inner = Strides(0, self.sizes[1:], self.strides[1:])
        if not len(rows):
            return np.zeros((0, inner.count), np.float32)
        values = self.stored.decode([0], chunks)[0]
        places = inner.stored(range(inner.count))
        return values[np.asarray(rows, np.int64)[:, None] * self.strides[0] + places]


def view_storage(base: RowMajor, sizes: Sequence[int], strides: Sequence[int], room: int) -> Storage | None:
    """The rows of a view that begins at the offset of `base`, in a storage that holds `room` values from there.

    None where values stand for several elements (expanded and overlapping views), and for large scattered ones.
    """
    columns = math.prod(sizes[1:]) if len(sizes) > 1 else math.prod(sizes)
    plain = RowMajor(base.file, base.offset, base.dtype, columns)
    if not math.prod(sizes) or _contiguous(sizes, strides):
        return plain
    if len(sizes) == 2 and tuple(strides) == (1, sizes[0]):
        return transposed(plain, sizes[1], sizes[0])
    if not _apart(sizes, strides):
        return None
    if len(sizes) == 1:
        return _scattered(base, (1, *sizes), (0, *strides))
    (count, *inner_sizes), (step, *inner_strides) = sizes, strides
    reach = 1 + sum((n - 1) * by for n, by in zip(inner_sizes, inner_strides, strict=True))
    if step >= reach and count * step <= room:
        wide = RowMajor(base.file, base.offset, base.dtype, step)
        return ColumnsOf(wide, Strides(0, tuple(inner_sizes), tuple(inner_strides)))
    return _scattered(base, sizes, strides)


def _scattered(base: RowMajor, sizes: Sequence[int], strides: Sequence[int]) -> Scattered | None:
    span = 1 + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
    if nbytes(base.dtype, span) > WHOLE_VIEW:
        return None
    return Scattered(RowMajor(base.file, base.offset, base.dtype, span), tuple(sizes), tuple(strides))


def _contiguous(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    step = 1
    for size, stride in zip(reversed(sizes), reversed(strides), strict=True):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


def _apart(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether every element has a value of its own: each dimension steps over all that the smaller ones reach."""
    reach = 1
    for step, size in sorted((step, size) for size, step in zip(sizes, strides, strict=True) if size > 1):
        if step < reach:
            return False
        reach = step * (size - 1) + reach
    return True
