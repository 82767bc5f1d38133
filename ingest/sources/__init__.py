"""Where models come from. `open_source` picks the kind of source that a specification names."""

from __future__ import annotations

from pathlib import Path

from ..errors import SourceError
from ..text import printable
from .folder import open_folder
from .source import Source, SourceFile

__all__ = ["Source", "SourceFile", "open_source"]


def open_source(spec: str) -> Source:
    """The source that `spec` names: a folder or a file of this machine, else a repository of the Hugging Face Hub.

    `org/name[@revision]` is the Hub's when nothing local has that name; `hf://org/name[@revision]` always is.
    Raises SourceError when there is no such thing.
    """
    if not spec.startswith("hf://"):
        path = Path(spec).expanduser()
        if path.exists():
            return open_folder(path)
    from .hub import open_hub, parse_spec  # imports the HTTP client, which local work never needs

    if spec.startswith("hf://"):
        return open_hub(spec)
    if parse_spec(spec) is None:
        raise SourceError(f"{printable(spec)}: no such file or folder")
    try:
        return open_hub(spec)
    except SourceError as error:  # it may have been meant as a path
        raise SourceError(f"{error} (nor is there a file or folder {printable(spec)})") from None
