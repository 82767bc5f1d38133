"""The header of a GGUF file: metadata, then the table of tensors. Read in growing pieces, every count checked first.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3).

Limitations: version 1 and big-endian files are refused.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..budget import GGUF_FIELDS, GGUF_HEADER, HEADER_TENSORS, METADATA_VALUES, allowed, charge, require
from ..errors import FormatError
from ..storage.reader import Reader
from ..text import printable

MAGIC = b"GGUF"
FIRST_READ, LARGEST_READ = 64 << 10, 1 << 20
NAME_LIMIT, KEY_LIMIT = 512, 65_535
MOST_DIMENSIONS = 4
DEFAULT_ALIGNMENT, MOST_ALIGNMENT = 32, 1 << 20
_NESTING = 3
_STRING, _ARRAY = 8, 9
_NUMBERS = {
    0: "<u1",
    1: "<i1",
    2: "<u2",
    3: "<i2",
    4: "<u4",
    5: "<i4",
    6: "<f4",
    7: "?",
    10: "<u8",
    11: "<i8",
    12: "<f8",
}

Value = int | float | bool | bytes | list[Any] | NDArray[Any]
"""A field: a number, a string as its bytes, or an array: of numbers as numpy, of strings and arrays as a list."""


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One line of the table. `shape` is [out, in], the reverse of the file's; `kind` is the number of the GGML type."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the data, which begin at `start`; offsets of tensors count from there."""

    fields: Mapping[str, Value]
    tensors: tuple[TensorInfo, ...]
    start: int
    alignment: int


def read_header(reader: Reader, file: str) -> Header:
    """The header of one file; about as many bytes are read as it has.

    Raises FormatError for what is no GGUF, for counts, lengths and offsets that the file cannot hold, and for names or
    keys that come twice. Whether tensors fit their types is for the caller to check.
    """
    at = _Cursor(reader, file)
    if at.take(4) != MAGIC:
        raise FormatError(f"{file}: does not begin with GGUF")
    version = int(at.number("<u4"))
    if version not in (2, 3):
        big = version.to_bytes(4, "little") in (b"\0\0\0\1", b"\0\0\0\2", b"\0\0\0\3")
        what = "a big-endian GGUF" if big else f"GGUF version {version}"
        raise FormatError(f"{file}: {what} is not read; versions 2 and 3, little-endian, are. Convert it again")
    tensors = at.count("tensors", least=24)
    charge(HEADER_TENSORS, tensors, file)
    count = at.count("metadata fields", least=13)
    require(GGUF_FIELDS, count, file)
    fields: dict[str, Value] = {}
    for _ in range(count):
        key = at.string(KEY_LIMIT).decode("utf-8", "replace")
        if key in fields:
            raise FormatError(f"{file}: the metadata name {printable(key)!r} twice")
        fields[key] = at.value(int(at.number("<u4")))
    infos = [_tensor(at, file) for _ in range(tensors)]
    if len({info.name for info in infos}) != len(infos):
        raise FormatError(f"{file}: the tensor table names a tensor twice")
    alignment = fields.get("general.alignment", DEFAULT_ALIGNMENT)
    if type(alignment) is not int or not 0 < alignment <= MOST_ALIGNMENT or alignment & (alignment - 1):
        raise FormatError(f"{file}: an alignment of {alignment!r:.40} is no power of two up to {MOST_ALIGNMENT}")
    return Header(fields, tuple(infos), -(-at.place // alignment) * alignment, alignment)


def _tensor(at: _Cursor, file: str) -> TensorInfo:
    name = at.string(NAME_LIMIT).decode("utf-8", "replace")
    dimensions = int(at.number("<u4"))
    if dimensions > MOST_DIMENSIONS:
        raise FormatError(f"{file}: tensor {printable(name)!r} has {dimensions} dimensions, {MOST_DIMENSIONS} at most")
    shape = tuple(int(at.number("<u8")) for _ in range(dimensions))[::-1]
    if math.prod(shape) >= 1 << 62 or any(n >= 1 << 62 for n in shape):
        raise FormatError(f"{file}: tensor {printable(name)!r} has an impossible shape {shape}")
    return TensorInfo(name, shape, int(at.number("<u4")), int(at.number("<u8")))


class _Cursor:
    """Reads on through the header; nothing is taken that the file does not hold, nor anything past the limit."""

    def __init__(self, reader: Reader, file: str) -> None:
        self._reader = reader
        self._file = file
        self._data = bytearray()
        self._limit = min(reader.size, allowed(GGUF_HEADER))
        self.place = 0
        self._values = 0

    def _need(self, length: int) -> None:
        end = self.place + length
        if end > self._reader.size:
            raise FormatError(f"{self._file}: ends inside its header (at byte {self.place}); download it again")
        require(GGUF_HEADER, end, self._file)
        while len(self._data) < end:
            step = min(max(FIRST_READ, len(self._data)), LARGEST_READ)
            self._data += self._reader.read(len(self._data), min(step, self._limit - len(self._data)))

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        self._need(length)
        self.place += length
        return bytes(self._data[self.place - length : self.place])

    def number(self, kind: str) -> int | float | bool:
        """The next number of a numpy type."""
        dtype = np.dtype(kind)
        self._need(dtype.itemsize)
        value = np.frombuffer(self._data, dtype, 1, self.place)[0].item()
        self.place += dtype.itemsize
        return value

    def count(self, what: str, *, least: int) -> int:
        """A count of things that take at least `least` bytes each."""
        count = int(self.number("<u8"))
        if count * least > self._reader.size - self.place:
            raise FormatError(f"{self._file}: claims {count} {what}, which it cannot hold")
        require(GGUF_HEADER, self.place + count * least, self._file)
        return count

    def string(self, most: int | None = None) -> bytes:
        """A length and as many bytes, `most` of them where the format says so."""
        length = int(self.number("<u8"))
        if most is not None and length > most:
            raise FormatError(
                f"{self._file}: a string of {length} bytes at byte {self.place} is over the limit of {most}"
            )
        return self.take(length)

    def value(self, kind: int, depth: int = 0) -> Value:
        """A field of that type."""
        if kind in _NUMBERS:
            return self.number(_NUMBERS[kind])
        if kind == _STRING:
            return self.string()
        if kind != _ARRAY or depth > _NESTING:
            raise FormatError(f"{self._file}: unknown type {kind} of a metadata field at byte {self.place}")
        inner = int(self.number("<u4"))
        if inner in _NUMBERS:
            dtype = np.dtype(_NUMBERS[inner])
            count = self.count("numbers", least=dtype.itemsize)
            return np.frombuffer(self.take(count * dtype.itemsize), dtype)
        if inner == _STRING:
            count = self.count("strings", least=8)
            self._charge(count)
            return self._strings(count)
        count = self.count("arrays", least=12)
        self._charge(4 * count)  # an array takes four times as much as a string
        return [self.value(inner, depth + 1) for _ in range(count)]

    def _charge(self, values: int) -> None:
        self._values += values
        charge(METADATA_VALUES, values, self._file)
        require(METADATA_VALUES, self._values, self._file)

    def _strings(self, count: int) -> list[bytes]:
        found = []
        data, at, length_of = self._data, self.place, struct.Struct("<Q").unpack_from
        for _ in range(count):
            self.place = at
            self._need(8)
            (length,) = length_of(data, at)
            self.place = at = at + 8
            self._need(length)
            found.append(bytes(data[at : at + length]))
            at += length
        self.place = at
        return found
