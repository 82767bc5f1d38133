"""What a kind of source is: the record that the table SOURCES holds one of for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .source import Source


@dataclass(frozen=True, slots=True)
class Location:
    """What a specification names, before it is opened: the URI of the source, and the revision where one is pinned.

    One that is not `single` names many models: opening it is an error that lists them.
    """

    uri: str
    revision: str | None = None
    single: bool = True

    @property
    def spec(self) -> str:
        """The specification that names just this: `URI[@revision]`."""
        return f"{self.uri}@{self.revision}" if self.revision else self.uri


@dataclass(frozen=True, slots=True)
class SourceKind:
    """How the specifications of one kind of source are recognised and opened.

    `parse` gives the location for a specification of this kind and None for any other; it reads nothing of the source.
    It raises SourceError for one that can only be meant for it and names no single model. `open` is given the
    specification and how many reads to have in flight, None for the kind's own number; it raises SourceError. `remote`
    sources are asked over a network: several of them are read at once, and failures are tried again.
    """

    name: str
    parse: Callable[[str], Location | None]
    open: Callable[[str, int | None], Source]
    remote: bool = False
