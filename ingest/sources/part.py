"""A file or a folder of a repository, as a source of its own: one of several GGUF files, or one network."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import SourceError
from ..storage.reader import Reader
from ..text import printable
from .card import ProviderCard
from .folder import beside
from .source import Source, SourceFile


class PartOfSource:
    """The files below a folder of another source, or one file with the small files beside it.

    It has the card and the revision of the whole, and a URI and a name that go on with the path. Raises SourceError
    where the source has no such file or folder.
    """

    def __init__(self, source: Source, path: str) -> None:
        self._source = source
        folder, only = path.rpartition("/")[::2] if path in source.files else (path, None)
        self._folder = f"{folder}/" if folder else ""
        self.uri, self.name = f"{source.uri}/{path}", f"{source.name}/{printable(path)}"
        self.revision, self.state, self.card = source.revision, source.state, source.card
        self.connections, self.gap = source.connections, source.gap
        below = {p.removeprefix(self._folder): f for p, f in source.files.items() if p.startswith(self._folder)}
        self._files = {p: f for p, f in below.items() if only is None or beside(p, only)}
        if not self._files:
            raise SourceError(f"{source.uri}: has no file or folder {printable(path)!r}")

    card: ProviderCard | None
    revision: str | None

    @property
    def files(self) -> Mapping[str, SourceFile]:
        """The files by path relative to the folder."""
        return self._files

    def open(self, path: str) -> Reader:
        """A reader of one of `files`."""
        if path not in self._files:
            raise SourceError(f"{self.uri}: has no file {printable(path)!r}")
        return self._source.open(self._folder + path)

    def close(self) -> None:
        """Close the source that it is a part of."""
        self._source.close()
