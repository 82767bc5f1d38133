"""The one interface of sources: some files, read at random places, under one URI and revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..budget import require_json
from ..errors import FormatError, SourceError
from ..storage.reader import Reader
from ..text import printable
from .lfs import lfs_pointer

if TYPE_CHECKING:
    from .card import ProviderCard

CONNECTIONS = 16
"""Ranges of a repository in flight; huggingface_hub's pooled client keeps 20 connections open, more would be made anew
each time."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a source; `path` is relative, with `/`. `sha256` where the source knows it without reading.

    `outside`: the path is a link to somewhere else than the source's own folder, or its repository's in a Hub cache.
    `special`: what stands there instead of a file, as "a FIFO"; such a thing is named and never opened.
    """

    path: str
    size: int
    sha256: str | None = None
    outside: bool = False
    special: str | None = None


class Source(Protocol):
    """One snapshot of a model's files. Everything read comes from that snapshot, or reading fails."""

    @property
    def uri(self) -> str:
        """What identifies the source: `file:///...` or `hf://org/name`."""
        ...

    @property
    def revision(self) -> str | None:
        """The commit, where the source has them."""
        ...

    @property
    def name(self) -> str:
        """The name for people: the folder's last part, or org/name."""
        ...

    @property
    def state(self) -> str:
        """Changes whenever a file of the source does (sizes and times of a folder, the commit of a repository)."""
        ...

    @property
    def files(self) -> Mapping[str, SourceFile]:
        """The files by path."""
        ...

    @property
    def card(self) -> ProviderCard | None:
        """What the provider says of the model, where there is one that does."""
        ...

    @property
    def connections(self) -> int:
        """How many reads pay off at once."""
        ...

    @property
    def gap(self) -> int:
        """Bytes that are cheaper to read and drop than a second read is."""
        ...

    def open(self, path: str) -> Reader:
        """A reader of one file; raises SourceError when it cannot be read."""
        ...

    def close(self) -> None:
        """Release what the source holds."""
        ...


def read_small(source: Source, path: str, limit: int) -> bytes | None:
    """The whole of a small file, None when the source has no such file.

    Raises FormatError for a link out of the folder, which may be a stranger's, for a FIFO or a device in its place,
    when it is over `limit` bytes, when it is JSON of too many objects, and for the pointer that Git LFS
    leaves in a file's place.
    """
    if path not in source.files:
        return None
    if kind := source.files[path].special:
        raise FormatError(
            f"{source.uri}: {printable(path)} is {kind}, not a file; put the file in its place or remove it"
        )
    if source.files[path].outside:
        raise FormatError(f"{source.uri}: {path} is a link out of the folder; put a copy in its place")
    reader = source.open(path)
    try:
        if reader.size > limit:
            raise FormatError(f"{source.uri}: {path} has {reader.size} bytes, the limit for it is {limit}")
        data = reader.read(0, reader.size)
    finally:
        reader.close()
    if pointer := lfs_pointer(data):
        raise FormatError(f"{source.uri}: {path}: {pointer}")
    if path.endswith(".json"):
        require_json(data, f"{source.uri}: {path}")
    return data


class NothingToRead(SourceError):
    """The source is readable and holds no weights."""
