"""A folder of this machine, or a single file of weights."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import SourceError
from ..reader import FileReader
from ..text import printable
from .source import SourceFile

_DEPTH = 3
_MOST_FILES = 20_000
_PART = re.compile(r"-\d{5}-of-(\d{5})(?=\.)")
"""How the parts of a split model are numbered."""
_GENERIC = frozenset({"model", "pytorch_model", "consolidated", "weights", "diffusion_pytorch_model"})


class FolderSource:
    """The files below a folder, or one file of it with the small files beside it."""

    connections = 1
    gap = 16 << 10
    revision: str | None = None
    card = None

    def __init__(self, root: Path, only: Path | None = None) -> None:
        self._root = root
        self.uri = (only or root).as_uri()
        stem = _PART.sub("", only.name).rpartition(".")[0] if only else ""
        self.name = printable(stem if only and stem not in _GENERIC else root.name)
        found = {path: size for path, size in _walk(root) if only is None or _beside(path, only.name)}
        self._times = {path: time for path, (_, time) in found.items()}
        self._files = {path: SourceFile(path, size) for path, (size, _) in found.items()}

    @property
    def files(self) -> Mapping[str, SourceFile]:
        """The files by path relative to the folder."""
        return self._files

    @property
    def state(self) -> str:
        """A digest of paths, sizes and modification times."""
        digest = hashlib.blake2b(digest_size=16)
        for path, file in sorted(self._files.items()):
            digest.update(f"{path!r} {file.size} {self._times[path]}\n".encode())
        return digest.hexdigest()

    def open(self, path: str) -> FileReader:
        """A reader of one of `files`; nothing outside of them is ever opened."""
        if path not in self._files:
            raise SourceError(f"{self.uri}: has no file {printable(path)!r}")
        return FileReader(self._root / path)

    def close(self) -> None:
        """Nothing is held."""


def open_folder(path: Path) -> FolderSource:
    """The source for a folder, or for one file of weights. Raises SourceError when it cannot be listed."""
    path = Path(os.path.abspath(path))  # `a/../b` and `b` are one source
    try:
        if path.is_file():
            return FolderSource(path.parent, _first_part(path))
        return FolderSource(path)
    except OSError as error:
        raise SourceError(f"{path}: cannot be listed: {error.strerror}") from error


def _walk(root: Path) -> list[tuple[str, tuple[int, int]]]:
    """(relative path, (size, mtime in ns)) of the files at most three folders down, hidden ones left out."""
    found: list[tuple[str, tuple[int, int]]] = []
    pending = [(root, 0)]
    while pending:
        folder, depth = pending.pop()
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith("."):
                continue
            if entry.is_dir() and depth < _DEPTH and not entry.is_symlink():
                pending.append((entry, depth + 1))
            elif entry.is_file():
                status = entry.stat()
                found.append((entry.relative_to(root).as_posix(), (status.st_size, status.st_mtime_ns)))
            if len(found) > _MOST_FILES:
                raise SourceError(f"{root}: more than {_MOST_FILES} files; name the model's own folder")
    return found


def _first_part(path: Path) -> Path:
    """The first of the files that a file is one of, where its name says that there are several."""
    first = path.with_name(_PART.sub(r"-00001-of-\1", path.name))
    return first if first.is_file() else path


def _beside(path: str, weights: str) -> bool:
    """Whether a file belongs to a named file of weights: itself, its other parts, the small files that describe it."""
    if "/" in path:
        return False
    if _PART.search(weights) and _PART.sub(r"-of-\1", path) == _PART.sub(r"-of-\1", weights):
        return True
    if weights.endswith(".onnx") and path.startswith(weights):
        return True  # model.onnx_data, model.onnx.data: the weights that it keeps outside
    return path == weights or path.endswith((".json", ".md", ".txt", "tokenizer.model"))
