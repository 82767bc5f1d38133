"""A source that counts what is read of it."""

from __future__ import annotations

import threading

from ..storage.reader import Reader
from .source import Source
from .wrapped import WrappedSource


class MeteredSource(WrappedSource):
    """`source` with counts of bytes and reads, over all of its files; itself a source."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._lock = threading.Lock()
        self.bytes_read = 0
        self.requests = 0

    def open(self, path: str) -> Reader:
        """A reader of one file, whose reads are counted."""
        return _MeteredReader(self._source.open(path), self)

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def count(self, length: int) -> None:
        """Count one read of `length` bytes."""
        with self._lock:
            self.bytes_read += length
            self.requests += 1


class _MeteredReader:
    def __init__(self, reader: Reader, meter: MeteredSource) -> None:
        self._reader = reader
        self._meter = meter

    @property
    def size(self) -> int:
        return self._reader.size

    def read(self, offset: int, length: int) -> bytes:
        data = self._reader.read(offset, length)
        self._meter.count(len(data))
        return data

    def close(self) -> None:
        self._reader.close()
