"""Protocol buffers read by range: fields of a file by place and length, long ones passed over without reading them.

Source: https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..budget import GRAPH_FIELDS, charge, require
from ..errors import FormatError
from ..storage.reader import Reader

HEADER_LIMIT = 16 << 20
"""Bytes read of a file besides its weights; the graph of a model of 80 layers has below 5 MB."""
_CHARGED = 1024
"""Fields charged at once: one charge each would cost as much as reading them."""
_FIRST_WINDOW, _LAST_WINDOW = 2 << 10, 256 << 10
_FIXED = {1: 8, 5: 4}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its number, its value where it is a number, else the place and length of its bytes.

    `key` is the offset of its key, `wire` how its bytes are stored: 0 and 2 with a length of their own, 1 and 5 fixed.
    """

    number: int
    value: int
    begin: int
    length: int
    key: int
    wire: int

    @property
    def is_bytes(self) -> bool:
        """Whether it has bytes of its own."""
        return self.begin >= 0

    @property
    def end(self) -> int:
        """The offset behind its bytes."""
        return self.begin + self.length


class Wire:
    """The bytes of a file through one window, which grows while reads follow one another and is small after a jump."""

    def __init__(self, reader: Reader, file: str) -> None:
        self._reader, self.file = reader, file
        self._at, self._data, self._size = 0, b"", _FIRST_WINDOW
        self._spent = self._fields = 0
        self.size = reader.size

    def error(self, what: str) -> FormatError:
        """The error for this file."""
        return FormatError(f"{self.file}: {what}")

    def bytes(self, begin: int, length: int) -> bytes:
        """`length` bytes from `begin`, which the caller has bounded. Raises FormatError over HEADER_LIMIT."""
        if begin + length > self.size:
            raise self.error(f"ends inside a field at {begin}; download it again")
        if not self._at <= begin <= begin + length <= self._at + len(self._data):
            self._load(begin, length)
        return self._data[begin - self._at : begin - self._at + length]

    def _load(self, begin: int, length: int) -> None:
        end = self._at + len(self._data)
        follows = self._at <= begin <= end
        self._size = min(self._size * 2, _LAST_WINDOW) if follows else _FIRST_WINDOW
        kept = self._data[begin - self._at :] if follows else b""
        start = begin + len(kept)
        more = min(max(self._size, begin + length - start), self.size - start)
        self._spent += more
        if self._spent > HEADER_LIMIT:
            raise self.error(f"more than {HEADER_LIMIT} bytes besides the weights")
        self._at, self._data = begin, kept + self._reader.read(start, more)

    def varint(self, at: int, end: int) -> tuple[int, int]:
        """The number at `at`, and the offset behind it."""
        place = at - self._at
        if at < end and 0 <= place < len(self._data) and self._data[place] < 128:
            return self._data[place], at + 1  # most numbers have one byte, and most bytes are in the window
        value = 0
        for i, byte in enumerate(self.bytes(at, min(10, end - at))):
            value |= (byte & 127) << (7 * i)
            if byte < 128:
                return value & (1 << 64) - 1, at + i + 1
        raise self.error(f"a number at {at} is cut short; this is no ONNX file, or it is broken")

    def fields(self, begin: int, end: int) -> Iterator[Field]:
        """The fields of the message between two offsets; FormatError for one that ends behind it."""
        at = begin
        while at < end:
            if self._fields % _CHARGED == 0:
                charge(GRAPH_FIELDS, _CHARGED, self.file)
                require(GRAPH_FIELDS, self._fields, self.file)
            self._fields += 1
            begun, place = at, at - self._at
            if 0 <= place < len(self._data) and (key := self._data[place]) < 128:
                at += 1  # as `varint` does, without a call for each of a million fields
            else:
                key, at = self.varint(at, end)
            number, wire = key >> 3, key & 7
            if wire == 0:
                value, at = self.varint(at, end)
                yield Field(number, value, -1, 0, begun, wire)
                continue
            length = _FIXED.get(wire, -1)
            if wire == 2:
                length, at = self.varint(at, end)
            if length < 0 or number == 0:
                raise self.error(f"a field of kind {wire} at {at}; this is no ONNX file, or it is broken")
            if length > end - at:
                raise self.error(f"a field at {at} claims {length} bytes, {end - at} are left; download it again")
            yield Field(number, 0, at, length, begun, wire)
            at += length

    def run(self, first: Field, end: int, count: int) -> Field:
        """The bytes of `count` values of an unpacked field, each behind the key of `first`; FormatError for fewer.

        Values of one width are passed over unread, so that only who reads them sees whether all keys are there.
        """
        behind = first.key
        if first.wire in _FIXED:
            behind += count * (1 + _FIXED[first.wire])
            if behind > end:
                raise self.error(f"a field at {first.key} does not hold {count} values; download it again")
        else:
            charge(GRAPH_FIELDS, count, self.file)
            for _ in range(count):
                key, behind = self.varint(behind, end)
                if key != first.number << 3:
                    raise self.error(f"a field at {first.key} does not hold {count} values; it is broken")
                _, behind = self.varint(behind, end)
        return Field(first.number, 0, first.key, behind - first.key, first.key, first.wire)

    def text(self, field: Field, limit: int) -> str:
        """A string of at most `limit` bytes."""
        if not field.is_bytes or field.length > limit:
            raise self.error(f"a name of {field.length} bytes is over the limit of {limit}")
        return self.bytes(field.begin, field.length).decode("utf-8", "replace")
