"""A source that counts what is read of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from ..storage.reader import Reader
from .card import ProviderCard
from .source import Source, SourceFile


class MeteredSource:
    """`source` with counts of bytes and reads, over all of its files; itself a source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = threading.Lock()
        self.bytes_read = 0
        self.requests = 0

    @property
    def uri(self) -> str:
        """As the source has it."""
        return self._source.uri

    @property
    def revision(self) -> str | None:
        """As the source has it."""
        return self._source.revision

    @property
    def name(self) -> str:
        """As the source has it."""
        return self._source.name

    @property
    def state(self) -> str:
        """As the source has it."""
        return self._source.state

    @property
    def files(self) -> Mapping[str, SourceFile]:
        """As the source has them."""
        return self._source.files

    @property
    def card(self) -> ProviderCard | None:
        """As the source has it."""
        return self._source.card

    @property
    def connections(self) -> int:
        """As the source has it."""
        return self._source.connections

    @property
    def gap(self) -> int:
        """As the source has it."""
        return self._source.gap

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
