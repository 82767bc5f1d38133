"""Columns of Arrow as numpy arrays.

`pyarrow.Array.to_numpy` imports pandas where it is installed: 0.1 s of every command that asks a registry.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def numbers(column: pa.Array | pa.ChunkedArray, absent: float | np.integer = np.nan) -> NDArray[Any]:
    """A column of numbers [n], `absent` for NULL: float64 where NaN stands for one. Whole columns are not copied."""
    if isinstance(column, pa.ChunkedArray):
        array = column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type)
    else:
        array = column
    if pa.types.is_null(array.type):
        return np.full(len(array), absent)
    if not array.null_count:
        return np.from_dlpack(array)
    present, values = array.buffers()
    whole = np.from_dlpack(pa.Array.from_buffers(array.type, len(array), [None, values], offset=array.offset))
    known = np.unpackbits(np.frombuffer(present, np.uint8), bitorder="little")[array.offset :][: len(array)]
    return np.where(known == 1, whole, absent)
