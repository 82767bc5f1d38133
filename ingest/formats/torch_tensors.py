"""Tensors of a torch pickle as logical tensors: types, and the views of a storage that rows can be read from.

Limitations: complex and quantised values are not decoded; views that repeat values, and large ones whose rows are
scattered (torch_views.py), are skipped by tensor.

Source: torch/_utils.py, c10/core/ScalarType.h.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import FormatError
from ..storage.dtypes import BITS, UNDECODABLE, nbytes
from ..storage.logical import LogicalTensor, RowMajor
from ..storage.skipped import SkippedTensor
from ..text import printable
from .contents import Contents
from .pickle_records import Global, OpaqueTensor, TensorRecord
from .torch_views import view_storage

STORAGES = {
    "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16", "DoubleStorage": "F64",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8",
    "BoolStorage": "BOOL",
    "ComplexFloatStorage": "C64",
}  # fmt: skip
DTYPES = {
    "float32": "F32", "float": "F32", "float16": "F16", "half": "F16", "bfloat16": "BF16", "float64": "F64",
    "double": "F64", "int64": "I64", "long": "I64", "int32": "I32", "int": "I32", "int16": "I16", "short": "I16",
    "int8": "I8",
    "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64", "bool": "BOOL", "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ", "float8_e8m0fnu": "F8_E8M0",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoragePlace:
    """Where the bytes of one storage lie in the file."""

    begin: int
    length: int


def logical_tensors(
    placed: Iterable[tuple[str, TensorRecord | OpaqueTensor, StoragePlace | None]],
    skipped: Sequence[SkippedTensor],
    file: str,
) -> Contents:
    """The tensors by name, each with the place of its storage; what has none, or is no view of rows, is skipped.

    Raises FormatError for a tensor that its storage cannot hold.
    """
    found = [
        _tensor(name, record, place, file)
        if isinstance(record, TensorRecord) and place
        else SkippedTensor(
            printable(name), math.prod(record.sizes), getattr(record, "reason", "its storage is not read")
        )
        for name, record, place in placed
    ]
    tensors = tuple(t for t in found if isinstance(t, LogicalTensor))
    unread = tuple(s for s in found if isinstance(s, SkippedTensor))
    return Contents(tensors, (*unread, *skipped))


def _tensor(name: str, record: TensorRecord, place: StoragePlace, file: str) -> LogicalTensor | SkippedTensor:
    dtype, size = _dtype(record), math.prod(record.sizes)
    if dtype is None or dtype in UNDECODABLE:
        kind = record.dtype or _class(record)
        what = printable(str(kind), 60) if isinstance(kind, Global) else "unknown"
        if size > 8 * place.length:
            raise FormatError(f"{file}: tensor {printable(name)!r} is larger than its storage of {place.length} bytes")
        return SkippedTensor(printable(name), size, f"values of type {what} are not decoded")
    item = BITS[dtype] // 8
    last = sum((n - 1) * step for n, step in zip(record.sizes, record.strides, strict=True)) if size else -1
    if (record.offset + last + 1) * item > place.length:
        raise FormatError(f"{file}: tensor {printable(name)!r} is larger than its storage of {place.length} bytes")
    room = place.length // item - record.offset
    begin = place.begin + nbytes(dtype, record.offset)
    storage = view_storage(RowMajor(file, begin, dtype, 0), record.sizes, record.strides, room)
    if storage is None:
        return SkippedTensor(printable(name), size, f"a view with strides {record.strides} is not read")
    return LogicalTensor(name, dtype, record.sizes, storage)


def _class(record: TensorRecord) -> object:
    return record.storage.value[1] if isinstance(record.storage.value, tuple) else None


def _dtype(record: TensorRecord) -> str | None:
    if record.dtype is not None:
        return DTYPES.get(record.dtype.name)
    kind = _class(record)
    return STORAGES.get(kind.name) if isinstance(kind, Global) else None
