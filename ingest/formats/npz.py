"""NumPy archives: a zip file of arrays, each behind a small header. Arrays of Python objects are never unpickled.

Limitations: compressed archives are named array by array and not decoded, as their rows cannot be read alone; neither
are big-endian and complex arrays, and arrays of more than two axes in Fortran's order.

Source: numpy.lib.format (NPY 1.0, 2.0 and 3.0).
"""

from __future__ import annotations

import ast
import math
import struct
import zlib
from dataclasses import dataclass

from ..budget import ARRAY_HEADER, allowed, require
from ..errors import FormatError
from ..storage.dtypes import nbytes
from ..storage.logical import LogicalTensor, RowMajor, Storage
from ..storage.reader import Reader
from ..storage.skipped import SkippedTensor
from ..storage.views import transposed
from ..text import printable
from .contents import Contents
from .zip_directory import Entry, read_directory, stored_at

_FIRST = 256
_NAME_LIMIT = 1024
_MAGIC = b"\x93NUMPY"
_DTYPES = {
    "<f8": "F64", "<f4": "F32", "<f2": "F16", "<i8": "I64", "<i4": "I32", "<i2": "I16", "|i1": "I8", "<u8": "U64",
    "<u4": "U32", "<u2": "U16", "|u1": "U8", "|b1": "BOOL",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Array:
    """The header of one array: its type as numpy spells it, its shape and order, and the bytes of the header."""

    dtype: str
    shape: tuple[int, ...]
    fortran: bool
    begin: int


def read_npz(reader: Reader, file: str) -> Contents:
    """The arrays of one archive under their names, `/` as `.`.

    Raises FormatError for what is no zip, and for arrays that are broken or of another length than their shape.
    """
    entries = {name: e for name, e in read_directory(reader, file).items() if name.endswith(".npy")}
    plain = [name for name, e in entries.items() if not e.method and not e.flags & 1]
    begins = stored_at(reader, entries, plain, file)
    tensors: list[LogicalTensor] = []
    skipped: list[SkippedTensor] = []
    for full, entry in entries.items():
        name = full.removesuffix(".npy").replace("/", ".")
        if len(name) > _NAME_LIMIT:
            raise FormatError(f"{file}: an array's name of {len(name)} characters is over the limit of {_NAME_LIMIT}")
        made = _array(reader, entry, begins.get(full), name, file)
        if isinstance(made, SkippedTensor):
            skipped.append(made)
        else:
            tensors.append(made)
    return Contents(tuple(tensors), tuple(skipped))


def _array(reader: Reader, entry: Entry, begin: int | None, name: str, file: str) -> LogicalTensor | SkippedTensor:
    where = f"{file}: array {printable(name)!r}"
    if begin is None:
        return _compressed(reader, entry, name, where)
    head = reader.read(begin, min(entry.size, _FIRST))
    array = _header(head, where)
    if array is None:
        array = _header(reader.read(begin, min(entry.size, _long_header(head, where))), where)
    if array is None:
        raise FormatError(f"{where}: ends inside its header; download it again")
    dtype = _DTYPES.get(array.dtype)
    if reason := _undecoded(array, dtype):
        return SkippedTensor(printable(name), math.prod(array.shape), reason)
    assert dtype is not None
    if array.begin + nbytes(dtype, math.prod(array.shape)) != entry.size:
        raise FormatError(f"{where}: {entry.size - array.begin} bytes do not hold {dtype} {list(array.shape)}")
    if array.fortran and len(array.shape) == 2 and name.endswith(".kernel"):  # Flax's [in, out], turned on disk
        stored = RowMajor(file, begin + array.begin, dtype, array.shape[0])
        return LogicalTensor(f"{name.removesuffix('kernel')}weight", dtype, array.shape[::-1], stored)
    return LogicalTensor(name, dtype, array.shape, _storage(file, begin + array.begin, dtype, array))


def _undecoded(array: _Array, dtype: str | None) -> str | None:
    if "O" in array.dtype:
        return "an array of Python objects, which is never unpickled"
    if dtype is None:
        return f"values of numpy's type {printable(array.dtype, 40)} are not decoded{_advice(array.dtype)}"
    if array.fortran and len(array.shape) > 2:
        return f"{len(array.shape)} axes in Fortran's order are not read"
    return None


def _advice(dtype: str) -> str:
    """What to do about a type that is known by what it probably is."""
    if dtype.startswith(">"):
        return ": their bytes are in big-endian order; save them in that of little-endian machines"
    if dtype.removeprefix("|").removeprefix("<") in {"V1", "V2"}:
        return ": numpy lost which type it was, such as bfloat16; save them as float32, or in safetensors"
    return ""


def _storage(file: str, offset: int, dtype: str, array: _Array) -> Storage:
    shape = array.shape
    if array.fortran and len(shape) == 2:
        stored = transposed(RowMajor(file, offset, dtype, shape[0]), shape[1], shape[0])
        assert stored is not None  # numpy's types have 8 bits and more
        return stored
    return RowMajor(file, offset, dtype, math.prod(shape[1:]) if len(shape) > 1 else math.prod(shape))


def _compressed(reader: Reader, entry: Entry, name: str, where: str) -> SkippedTensor:
    """A compressed array: its beginning is unpacked, at most as many bytes as its header may have, to count values."""
    reason = "compressed, so that its rows cannot be read alone; save the archive with numpy.savez"
    if entry.method != zlib.DEFLATED or entry.flags & 1:
        return SkippedTensor(printable(name), 0, "compressed or encrypted in a way that is not read")
    local = reader.read(entry.header, 30)
    begin = entry.header + 30 + sum(struct.unpack("<2H", local[26:30]))
    most = allowed(ARRAY_HEADER)
    data = reader.read(begin, max(0, min(entry.stored, most, reader.size - begin)))
    try:
        head = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, most)
    except zlib.error as error:
        raise FormatError(f"{where}: its compressed bytes are broken; download the file again") from error
    array = _header(head, where)
    return SkippedTensor(printable(name), math.prod(array.shape) if array else 0, reason)


def _length(head: bytes) -> tuple[int, int]:
    """(where the header begins, its bytes) of an array whose beginning is `head`."""
    begin = 10 if head[6] == 1 else 12
    return begin, int.from_bytes(head[8:begin], "little")


def _long_header(head: bytes, where: str) -> int:
    """The bytes up to the end of a header; FormatError over the limit."""
    total = sum(_length(head))
    require(ARRAY_HEADER, total, where)
    return total


def _header(head: bytes, where: str) -> _Array | None:
    """The header at the beginning of an array, None when it is longer than `head`."""
    if len(head) < 12 or not head.startswith(_MAGIC) or head[6] not in (1, 2, 3):
        raise FormatError(f"{where}: is not an array as numpy writes it")
    begin, length = _length(head)
    if begin + length > len(head):
        return None
    try:
        found: object = ast.literal_eval(head[begin : begin + length].decode("utf-8").strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise FormatError(f"{where}: its header is broken") from error
    fields = found if isinstance(found, dict) else {}
    dtype, shape, fortran = (fields.get(key) for key in ("descr", "shape", "fortran_order"))
    if (
        not isinstance(shape, tuple)
        or len(shape) > 64
        or not all(type(n) is int and 0 <= n < 1 << 63 for n in shape)
        or type(fortran) is not bool
    ):
        raise FormatError(f"{where}: its header is broken")
    return _Array(dtype if isinstance(dtype, str) else "structured", shape, fortran, begin + length)
