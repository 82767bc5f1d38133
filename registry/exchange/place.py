"""Where a registry is published: the one interface of places.

A place holds files by relative paths that are never changed once they are there, but for `manifest.json`, which names
the others and is written last. So a reader sees a registry as it was pushed, whole, whatever happens to a push.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MANIFEST = "manifest.json"


class PublishedPlace(Protocol):
    """Files below one address; `name` is for people and for the registry, and opens the same place again."""

    @property
    def name(self) -> str:
        """The address."""
        ...

    def read(self, path: str, limit: int) -> bytes | None:
        """The bytes of a file, None where there is none.

        Raises SourceError when the place cannot be reached, FormatError for a file of more than `limit` bytes.
        """
        ...

    def publish(self, files: Mapping[str, Path], manifest: bytes) -> None:
        """Put local files to their paths there, then the manifest. Raises SourceError where it cannot be written."""
        ...


@dataclass(frozen=True, slots=True)
class PlaceKind:
    """A kind of place: which addresses it takes, how one is opened, and where to push instead if it is only read."""

    takes: Callable[[str], bool]
    opened: Callable[[str], PublishedPlace]
    instead: str = ""
