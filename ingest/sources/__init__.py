"""Where models come from. `open_source` picks the kind of source that a specification names."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import SourceError
from ..text import printable
from .folder import open_folder
from .source import CONNECTIONS, Source, SourceFile

__all__ = ["CONNECTIONS", "Source", "SourceFile", "hub_uri", "is_remote", "open_source", "source_uri"]


def open_source(spec: str, *, connections: int | None = None) -> Source:
    """The source that `spec` names: a folder or a file of this machine, else a repository of the Hugging Face Hub.

    `org/name[@revision]` is the Hub's when nothing local has that name; `hf://org/name[@revision]` always is.
    Of a repository, `connections` ranges are read at once. Raises SourceError when there is no such thing.
    """
    if not spec.startswith("hf://"):
        path = Path(spec).expanduser()
        if path.exists():
            return open_folder(path)
    from .hub import open_hub, parse_spec  # imports the HTTP client, which local work never needs

    if spec.startswith("hf://"):
        return open_hub(spec, connections=connections or CONNECTIONS)
    if parse_spec(spec) is None:
        raise SourceError(f"{printable(spec)}: no such file or folder")
    try:
        return open_hub(spec, connections=connections or CONNECTIONS)
    except SourceError as error:  # it may have been meant as a path
        raise SourceError(f"{error} (nor is there a file or folder {printable(spec)})") from None


def source_uri(spec: str) -> str:
    """The URI that the source of `spec` has, without opening it. A repository that was renamed has another one."""
    remote = hub_uri(spec)
    if remote is None:
        return Path(os.path.abspath(Path(spec).expanduser())).as_uri()
    return remote.partition("@")[0]


def is_remote(spec: str) -> bool:
    """Whether `open_source` would ask the Hub for `spec`."""
    return hub_uri(spec) is not None


def hub_uri(spec: str) -> str | None:
    """`hf://org/name[@revision]` for a spec that the Hub would be asked for, None for anything of this machine."""
    if not spec.startswith("hf://") and (spec.count("/") != 1 or Path(spec).expanduser().exists()):
        return None
    from .hub import parse_spec

    return f"hf://{spec.removeprefix('hf://')}" if parse_spec(spec) else None
