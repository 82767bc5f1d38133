"""What people name a model by: a path on this machine, or a source elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

from ...ingest.sources import Source, open_source
from ...ingest.sources.folder import local_path

PATHS = ("/", "./", "../", "~", "file://")
"""What starts so names a place on this machine, never a model by its name."""


def is_path(model: str | Path) -> bool:
    """Whether it names a place on this machine."""
    return isinstance(model, Path) or model in {".", ".."} or model.startswith(PATHS)


def path_of(model: str | Path) -> Path:
    """The place that a path or a file URI names."""
    return local_path(os.fspath(model))


def opened_spec(spec: str | Path, *, connections: int | None = None) -> Source:
    """The open source that a spec names. Raises SourceError where there is none."""
    return open_source(str(path_of(spec) if is_path(spec) else spec), connections=connections)
