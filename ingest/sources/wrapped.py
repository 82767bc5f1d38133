"""What a source that stands before another one passes through."""

from __future__ import annotations

from collections.abc import Mapping

from .card import ProviderCard
from .source import Source, SourceFile


class WrappedSource:
    """The facts of `source`; who derives from it says how files are opened and closed."""

    def __init__(self, source: Source) -> None:
        self._source = source

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
