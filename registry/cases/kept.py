"""Bytes that were read of a source, kept in a folder, so that a case that was interrupted goes on where it was.

One file a source and state: records of (path, offset, length, digest) and the bytes. What was cut off at its end by a
crash, or was changed, is dropped and read again.
"""

from __future__ import annotations

import hashlib
import struct
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ...ingest.errors import RegistryError
from ...ingest.sources import Source
from ...ingest.sources.wrapped import WrappedSource
from ...ingest.storage.reader import Reader

_HEAD = struct.Struct("<HQQ16s")
"""Length of the path, offset, length of the bytes, BLAKE2b of path, offset and bytes."""
_LONGEST_READ = 1 << 30


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the kept file the bytes of a range stand."""

    at: int
    length: int


class KeptSource(WrappedSource):
    """`source`, whose bytes are kept in a file of `folder` and come from there the next time; itself a source.

    `bytes_used` counts each range once, `bytes_fetched` what the source had to be asked for.
    """

    def __init__(self, source: Source, folder: Path) -> None:
        super().__init__(source)
        self._lock = threading.Lock()
        self.bytes_used = 0
        self.bytes_fetched = 0
        self._ranges: dict[tuple[str, int, int], _Place] = {}
        self._used: set[tuple[str, int, int]] = set()
        name = hashlib.sha256("\0".join((source.uri, source.revision or "", source.state)).encode()).hexdigest()[:32]
        self._path = folder / f"{name}.ranges"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = self._path.open("r+b" if self._path.exists() else "w+b")
            self._end = self._load()
        except OSError as error:
            raise RegistryError(f"{self._path}: what was read cannot be kept there ({error.strerror})") from error

    def _load(self) -> int:
        """Note the ranges that are whole; the place behind the last of them."""
        at, size = 0, self._path.stat().st_size
        while at + _HEAD.size <= size:
            self._file.seek(at)
            path_length, offset, length, digest = _HEAD.unpack(self._file.read(_HEAD.size))
            if length > _LONGEST_READ or at + _HEAD.size + path_length + length > size:
                break
            path = self._file.read(path_length)
            data = self._file.read(length)
            if _digest(path, offset, data) != digest:
                break
            start = at + _HEAD.size + path_length
            self._ranges[path.decode("utf-8", "surrogateescape"), offset, length] = _Place(start, length)
            at = start + length
        self._file.truncate(at)
        return at

    def open(self, path: str) -> Reader:
        """A reader of one file, which asks the source for what is not kept."""
        file = self._source.files.get(path)
        return _KeptReader(self, path, file.size) if file is not None else self._source.open(path)

    def opened(self, path: str) -> Reader:
        """The source's own reader of a file."""
        return self._source.open(path)

    def close(self) -> None:
        """Close the source, and the file of what is kept."""
        self._source.close()
        self._file.close()

    def kept(self, path: str, offset: int, length: int) -> bytes | None:
        """The bytes of a range that is kept, None where it has to be read."""
        key = (path, offset, length)
        with self._lock:
            place = self._ranges.get(key)
            if place is None:
                return None
            self._use(key)
            self._file.seek(place.at)
            return self._file.read(place.length)

    def keep(self, path: str, offset: int, data: bytes) -> None:
        """Keep the bytes of a range that was read. Raises RegistryError when the folder takes no more."""
        key, name = (path, offset, len(data)), path.encode("utf-8", "surrogateescape")
        with self._lock:
            self.bytes_fetched += len(data)
            self._use(key)
            if key in self._ranges:
                return
            try:
                self._file.seek(self._end)
                self._file.write(_HEAD.pack(len(name), offset, len(data), _digest(name, offset, data)) + name + data)
                self._file.flush()
            except OSError as error:
                raise RegistryError(f"{self._path}: what was read cannot be kept ({error.strerror})") from error
            self._ranges[key] = _Place(self._end + _HEAD.size + len(name), len(data))
            self._end += _HEAD.size + len(name) + len(data)

    def _use(self, key: tuple[str, int, int]) -> None:
        if key not in self._used:
            self._used.add(key)
            self.bytes_used += key[2]


def _digest(path: bytes, offset: int, data: bytes) -> bytes:
    return hashlib.blake2b(path + struct.pack("<Q", offset) + data, digest_size=16).digest()


class _KeptReader:
    """A file of a kept source; the source's own reader is opened when something has to be read of it."""

    def __init__(self, source: KeptSource, path: str, size: int) -> None:
        self._source, self._path, self._size = source, path, size
        self._lock = threading.Lock()
        self._reader: Reader | None = None

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        found = self._source.kept(self._path, offset, length)
        if found is not None:
            return found
        with self._lock:
            if self._reader is None:
                self._reader = self._source.opened(self._path)
        data = self._reader.read(offset, length)
        self._source.keep(self._path, offset, data)
        return data

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
