"""Where models come from. A new kind of source is a file beside this and a line in SOURCES."""

from __future__ import annotations

import logging
from pathlib import Path

from ..errors import SourceError
from ..text import printable
from .folder import FOLDER, folder_uri
from .hub_kind import HUB
from .kind import Location, SourceKind
from .source import CONNECTIONS, Source, SourceFile

__all__ = [
    "CONNECTIONS",
    "SOURCES",
    "Location",
    "Source",
    "SourceFile",
    "SourceKind",
    "is_remote",
    "open_source",
    "remote_spec",
    "source_uri",
    "spec_of",
]

_log = logging.getLogger(__name__)

SOURCES: tuple[SourceKind, ...] = (FOLDER, HUB)
"""In order of preference: a specification is the first's that recognises it."""


def open_source(spec: str, *, connections: int | None = None) -> Source:
    """The source that `spec` names: a folder or a file of this machine, else what another kind of source recognises.

    `org/name[@revision]` is the Hub's when nothing local has that name; `hf://org/name[@revision]` always is.
    `connections` reads of a remote source are in flight at once. Raises SourceError when there is no such thing, and
    for an empty specification, which no kind of source sees: it would be the folder that somebody happens to be in.
    """
    if not spec.strip():
        raise SourceError(
            "an empty name where a model should be; write a folder, a file or org/name (`.` is this folder)"
        )
    for kind in SOURCES:
        if kind.parse(spec) is not None:
            _log.debug("%s: a source of the kind %s", printable(spec), kind.name)
            return kind.open(spec, connections)
    raise SourceError(f"{printable(spec)}: no such file or folder")


def source_uri(spec: str) -> str:
    """The URI that the source of `spec` has, without opening it. A repository that was renamed has another one."""
    found = _located(spec)
    return found[1].uri if found else folder_uri(Path(spec))


def is_remote(spec: str) -> bool:
    """Whether `open_source` would ask over a network for `spec`."""
    return remote_spec(spec) is not None


def remote_spec(spec: str) -> str | None:
    """`URI[@revision]` for a spec that names a remote source, None for anything of this machine."""
    found = _located(spec)
    return found[1].spec if found and found[0].remote else None


def spec_of(uri: str, revision: str | None) -> str:
    """The specification that opens a source again, of which a registry keeps the URI and the revision."""
    return f"{uri}@{revision}" if revision and is_remote(uri) else uri


def _located(spec: str) -> tuple[SourceKind, Location] | None:
    """The kind of source that a spec is of, with its location; None where no kind can name one model by it."""
    if not spec.strip():
        return None
    for kind in SOURCES:
        try:
            location = kind.parse(spec)
        except SourceError:
            return None
        if location is not None:
            return (kind, location) if location.single else None
    return None
