"""int8 `NAME.qweight` with `NAME.scale`, one a row or one for all: matrices, kernels and vectors as fracast keeps them.

Source: the metadata of such files (`w8-symmetric-per-output-channel`), and equality with the same model in float32.
"""

from __future__ import annotations

import math

from ...storage.logical import LogicalTensor
from .grouped import BlockRows, Grouped
from .scheme import FLOAT_SCALES, Decoded, Refused, Scheme, Stored, row_major


def _read(tensor: LogicalTensor, stored: Stored) -> Decoded | Refused | None:
    name = tensor.name.removesuffix(".qweight")
    codes, scale = stored.get(tensor.name, {"I8"}), stored.get(f"{name}.scale", FLOAT_SCALES)
    if codes is None or scale is None or not codes.shape:
        return None
    used = frozenset({tensor.name, scale.name})
    rows, columns = codes.matrix
    plain, values = row_major(codes, columns=columns), row_major(scale, columns=1)
    if scale.parameters == 1:
        storage = Grouped(plain, columns, max(1, columns), unit=values)
    elif scale.shape[0] == rows == scale.parameters and len(codes.shape) > 1 and math.prod(scale.shape[1:]) == 1:
        storage = Grouped(plain, columns, max(1, columns), BlockRows(values, rows, 1))
    else:
        return Refused(codes.parameters, f"scale of shape {scale.shape} is none a tensor or row", used)
    return Decoded(LogicalTensor(name, "INT8", codes.shape, storage), used)


ROWS = Scheme("int8 with a scale a row", r"\.qweight", _read)
