"""One way to read bytes: `read(offset, length)` and `size`, whether they lie in a file or behind HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import SourceError


class Reader(Protocol):
    """Random access to one file. Safe to call from several threads at once."""

    @property
    def size(self) -> int:
        """Length of the file in bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`; raises SourceError when they are not there."""
        ...

    def close(self) -> None:
        """Release what the reader holds."""
        ...


class FileReader:
    """A local file, read by position."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise SourceError(f"{path}: cannot be opened: {error.strerror}") from error
        self._size = os.fstat(self._descriptor).st_size

    @property
    def size(self) -> int:
        """Length of the file in bytes, as it was when it was opened."""
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`; raises SourceError at the end of the file."""
        try:
            data = os.pread(self._descriptor, length, offset)
            while len(data) < length and (more := os.pread(self._descriptor, length - len(data), offset + len(data))):
                data += more
        except OSError as error:
            raise SourceError(f"{self._path}: read of {length} bytes at {offset} failed: {error.strerror}") from error
        if len(data) != length:
            raise SourceError(f"{self._path}: ends {length - len(data)} bytes early at offset {offset}; copy it again")
        return data

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """`length` bytes from `offset` of one file of a source."""

    file: str
    offset: int
    length: int

    @property
    def end(self) -> int:
        """The offset behind the last byte."""
        return self.offset + self.length


def merge(ranges: Iterable[Range], gap: int, most: int = 8 << 20) -> list[Range]:
    """The fewest spans that hold all `ranges`: neighbours at most `gap` bytes apart are read as one.

    A span never grows past `most` bytes by merging, so that one read stays small beside what is in flight.
    """
    spans: list[Range] = []
    for item in sorted(set(ranges)):
        last = spans[-1] if spans else None
        if last and last.file == item.file and item.offset <= last.end + gap:
            end = max(last.end, item.end)
            if item.end <= last.end or end - last.offset <= most:
                spans[-1] = Range(last.file, last.offset, end - last.offset)
                continue
        spans.append(item)
    return spans
