"""Columns of Arrow as numpy arrays.

`pyarrow.Array.to_numpy`, and what makes an array of nothing, import pandas where it is installed, and `flatten` and
`value_lengths` of lists import `pyarrow.compute`: 0.1 and 0.05 s of every command that asks a registry.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def numbers(column: pa.Array | pa.ChunkedArray, absent: float | np.integer = np.nan) -> NDArray[Any]:
    """A column of numbers [n], `absent` for NULL: float64 where NaN stands for one. Whole columns are not copied."""
    array = in_one(column) if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_null(array.type):
        return np.full(len(array), absent)
    if not array.null_count:
        return np.from_dlpack(array)
    present, values = array.buffers()
    whole = np.from_dlpack(pa.Array.from_buffers(array.type, len(array), [None, values], offset=array.offset))
    known = np.unpackbits(np.frombuffer(present, np.uint8), bitorder="little")[array.offset :][: len(array)]
    return np.where(known == 1, whole, absent)


def in_one(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece, without pandas for one without rows."""
    return column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type)


def list_values(column: pa.Array) -> NDArray[Any]:
    """The numbers of all lists of a column, one list after another; nothing for a list that is NULL."""
    if column.null_count or not _plain(column):
        return numbers(column.flatten())
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        return numbers(column.values.slice(column.offset * size, len(column) * size))
    first, last = int(numbers(column.offsets)[0]), int(numbers(column.offsets)[-1])
    return numbers(column.values.slice(first, last - first))


def list_lengths(column: pa.Array) -> NDArray[Any]:
    """How many numbers every list [n] of a column has; NaN for NULL."""
    if column.null_count or not _plain(column) or pa.types.is_fixed_size_list(column.type):
        return numbers(column.value_lengths())
    return np.diff(numbers(column.offsets))


def _plain(column: pa.Array) -> bool:
    """Whether lists stand one after another in one array of values."""
    kind = column.type
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))
