"""The table of places: a new kind is a file here and a line in KINDS."""

from __future__ import annotations

from pathlib import Path

from ...ingest.errors import SourceError
from . import bucket, folder, hub, web
from .place import PublishedPlace

KINDS = (hub.KIND, web.KIND, bucket.KIND, folder.KIND)
"""In the order in which they are asked whether an address is theirs; a folder takes what nothing else does."""


def open_place(address: str | Path, *, to_push: bool = False) -> PublishedPlace:
    """The place of an address: a folder, `https://...`, `hf://datasets/org/name[@revision]`, or one fsspec knows.

    Raises SourceError for an address that its kind cannot open or, `to_push`, write: before anything is asked of it.
    """
    text = str(address)
    if not text.strip():
        raise SourceError("the address of a published registry is empty; write . for the working folder")
    kind = next(kind for kind in KINDS if kind.takes(text))
    if to_push and kind.instead:
        raise SourceError(f"{text}: can only be read; {kind.instead}")
    return kind.opened(text)
