"""Where models come from. `open_source` picks the kind of source that a specification names."""

from __future__ import annotations

from pathlib import Path

from ..errors import SourceError
from .folder import open_folder
from .source import Source, SourceFile

__all__ = ["Source", "SourceFile", "open_source"]


def open_source(spec: str) -> Source:
    """The source that `spec` names: a folder or a file of this machine.

    Raises SourceError when there is no such thing.
    """
    path = Path(spec).expanduser()
    if path.exists():
        return open_folder(path)
    raise SourceError(f"{spec}: no such file or folder")
