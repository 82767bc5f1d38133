"""A folder of a source, seen as a source of its own."""

from __future__ import annotations

from collections.abc import Mapping

from ..storage.reader import Reader
from .card import ProviderCard
from .source import Source, SourceFile


class Inside:
    """The files below one folder of another source, by their paths in that folder."""

    def __init__(self, source: Source, folder: str) -> None:
        self._source = source
        self._folder = f"{folder}/"
        self.uri, self.revision, self.name, self.state = source.uri, source.revision, source.name, source.state
        self.connections, self.gap = source.connections, source.gap
        self.card: ProviderCard | None = None
        self._files = {p.removeprefix(self._folder): f for p, f in source.files.items() if p.startswith(self._folder)}

    @property
    def files(self) -> Mapping[str, SourceFile]:
        """The files by path relative to the folder."""
        return self._files

    def open(self, path: str) -> Reader:
        """A reader of one of `files`."""
        return self._source.open(self._folder + path)

    def close(self) -> None:
        """Nothing is held; the other source stays open."""
