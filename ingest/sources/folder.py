"""A folder of this machine, or a single file of weights.

A snapshot in the Hub's cache (`models--org--name/snapshots/COMMIT`) has the name and the revision that its path says;
its files are links to the `blobs` beside the snapshots, which are of the same repository.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import SourceError
from ..storage.reader import FileReader
from ..text import printable
from .kind import Location, SourceKind
from .numbered import find_part, without_part
from .source import Source, SourceFile

_log = logging.getLogger(__name__)
_DEPTH = 3
_MOST_FILES = 20_000
_LONGEST_REF = 256
"""Bytes of the file in a Hub cache that names a commit of 40 characters."""
_SMALL = (".json", ".md", ".txt", ".model", ".spm", ".tiktoken")
"""Endings of the files that describe a model: config, card and tokenizers."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://")
_CACHE = re.compile(r"models--[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_GENERIC = frozenset({"model", "pytorch_model", "consolidated", "weights", "diffusion_pytorch_model"})


class FolderSource:
    """The files below a folder, or one file of it with the small files beside it."""

    connections = 1
    gap = 16 << 10
    card = None

    def __init__(self, root: Path, only: Path | None = None, *, depth: int = _DEPTH) -> None:
        self._root = root
        self.uri = (only or root).as_uri()
        stem = without_part(only.name).rpartition(".")[0] if only else ""
        cached = _cached(root)
        self.revision: str | None = cached[1] if cached else None
        self.name = printable(stem if only and stem.lower() not in _GENERIC else cached[0] if cached else root.name)
        found = dict(_walk(root, depth) if only is None else _beside(root, only.name))
        self._times = {path: status.st_mtime_ns for path, status in found.items()}
        self._files = {
            # who names a link names what it points to; in a folder it may be a stranger's
            path: SourceFile(
                path,
                status.st_size,
                outside=root / path != only and _leaves(root, root / path),
                special=_special(root / path),
            )
            for path, status in found.items()
        }
        _log.debug("%s: %d files", self.uri, len(self._files))

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
        if kind := self._files[path].special:
            raise SourceError(f"{self.uri}: {printable(path)} is {kind}, not a file; put the file in its place")
        return FileReader(self._root / path)

    def close(self) -> None:
        """Nothing is held."""


def open_folder(path: Path, *, depth: int = _DEPTH) -> FolderSource:
    """The source for a folder, or for one file of weights. Raises SourceError when it cannot be listed.

    Files at most `depth` folders down belong to it: of a pipeline each network has one, and GGUF repositories one more.
    """
    path = Path(os.path.abspath(path))  # `a/../b` and `b` are one source
    try:
        if path.is_file():
            return FolderSource(path.parent, _first_part(path))
        if kind := _special(path):
            raise SourceError(f"{path}: is {kind}, not a file or a folder; name the model's file or folder")
        return FolderSource(_snapshot(path), depth=depth)
    except OSError as error:
        raise SourceError(f"{path}: cannot be listed: {error.strerror}") from error


def folder_uri(path: Path) -> str:
    """The URI of a folder or a file, which need not be there: `a/../b` and `b` have one."""
    path = Path(os.path.abspath(_expanded(path)))
    try:
        return _snapshot(path).as_uri()
    except SourceError:  # several snapshots: said when it is opened
        return path.as_uri()


def local_path(spec: str) -> Path:
    """The path that a specification is: one as people write it, or a `file://` URI."""
    if not spec.startswith("file://"):
        return _expanded(Path(spec))
    from urllib.request import url2pathname  # with all of HTTP, which most commands do not need

    return _expanded(Path(url2pathname(spec.removeprefix("file://"))))


def _expanded(path: Path) -> Path:
    """A path with `~` as the home that it stands for; as it is where it stands for none."""
    try:
        return path.expanduser()
    except (RuntimeError, ValueError):  # nobody has that name, or a NUL stands behind
        return path


def _parse(spec: str) -> Location | None:
    if not spec.startswith("file://") and _SCHEME.match(spec):
        return None
    path = local_path(spec)
    return Location(folder_uri(path)) if path.exists() else None


def _open(spec: str, connections: int | None) -> Source:
    return open_folder(local_path(spec))


FOLDER = SourceKind("folder", _parse, _open)


def _beside(root: Path, weights: str) -> list[tuple[str, os.stat_result]]:
    """(name, status) of a named file of weights and the files that belong to it, however many others lie around it."""
    found: list[tuple[str, os.stat_result]] = []
    for entry in os.scandir(root):
        if entry.name.startswith(".") and entry.name != weights:
            continue
        if not beside(entry.name, weights) or entry.is_dir():
            continue
        if entry.is_file() or _special(Path(entry.path)):
            found.append((entry.name, entry.stat() if entry.is_file() else entry.stat(follow_symlinks=False)))
        if len(found) > _MOST_FILES:
            raise SourceError(f"{root / weights}: more than {_MOST_FILES} files describe it; put it in its own folder")
    return sorted(found)


def _walk(root: Path, depth: int) -> list[tuple[str, os.stat_result]]:
    """(relative path, status) of the files at most `depth` folders down, hidden ones left out; links are followed.

    What is no file and no folder is among them, with the status of the thing or the link itself.
    """
    found: list[tuple[str, os.stat_result]] = []
    pending = [(root, 0)]
    while pending:
        folder, level = pending.pop()
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith("."):
                continue
            if entry.is_dir() and level < depth and not entry.is_symlink():
                pending.append((entry, level + 1))
            elif entry.is_file():
                found.append((entry.relative_to(root).as_posix(), entry.stat()))
            elif _special(entry):
                found.append((entry.relative_to(root).as_posix(), entry.lstat()))
            if len(found) + len(pending) > _MOST_FILES:
                raise SourceError(f"{root}: more than {_MOST_FILES} files or folders; name the model's own folder")
    return found


def _special(path: Path) -> str | None:
    """What a path is that leads to no file and no folder; opening it would wait, or read without an end."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        circle = error.errno == errno.ELOOP
        return (
            ("a link that leads in a circle" if circle else "a link that leads nowhere") if path.is_symlink() else None
        )
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    return "a FIFO" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"


def _cached(root: Path) -> tuple[str, str | None] | None:
    """(org/name, commit) of a folder at or below `models--org--name/snapshots/COMMIT`; None elsewhere.

    A folder below the snapshot adds its path to the name.
    """
    for snapshot in (root, *root.parents):
        cache = _CACHE.fullmatch(snapshot.parent.parent.name) if snapshot.parent.name == "snapshots" else None
        if cache:
            below = root.relative_to(snapshot).as_posix()
            name = cache[0].removeprefix("models--").replace("--", "/") + (f"/{below}" if below != "." else "")
            return name, snapshot.name if _COMMIT.fullmatch(snapshot.name) else None
    return None


def _snapshot(path: Path) -> Path:
    """The snapshot that the folder of a repository in the Hub's cache stands for: that of `main`, or the only one.

    Raises SourceError when there are several and none of them is `main`; any other path is returned as it is.
    """
    snapshots = path / "snapshots"
    if not _CACHE.fullmatch(path.name) or not snapshots.is_dir():
        return path
    ref, main = path / "refs" / "main", snapshots
    with suppress(OSError, ValueError):
        if ref.is_file() and ref.stat().st_size <= _LONGEST_REF:  # a FIFO would wait, a device would not end
            main = snapshots / ref.read_text(encoding="ascii").strip()
    found = sorted(entry for entry in snapshots.iterdir() if entry.is_dir())
    if main.parent == snapshots and main in found:
        return main
    if len(found) == 1:
        return found[0]
    shown = ", ".join(f"snapshots/{printable(entry.name)}" for entry in found[:12])
    raise SourceError(f"{path}: {len(found)} snapshots in this cache; name one of them: {shown}")


def _leaves(root: Path, link: Path) -> bool:
    """Whether a file is a link out of the folder, and not to `blobs` beside the `snapshots` of a Hub cache."""
    if not link.is_symlink() or _special(link):  # what is no file is refused as such, and a circle has no end
        return False
    folder, target = root.resolve(), link.resolve()
    blobs = {above.parent / "blobs" for above in (folder, *folder.parents) if above.name == "snapshots"}
    return not target.is_relative_to(folder) and target.parent not in blobs


def _first_part(path: Path) -> Path:
    """The first of the files that a file is one of, where its name says that there are several."""
    part = find_part(path.name)
    firsts = [path.with_name(part.named(number)) for number in (0, 1)] if part else []
    return next((first for first in firsts if first.is_file()), path)


def beside(path: str, weights: str) -> bool:
    """Whether a file belongs to a named file of weights: itself, its other parts, the small files that describe it."""
    if "/" in path:
        return False
    mine, other = find_part(weights), find_part(path)
    if mine and other and mine.family == other.family:
        return True
    if weights.lower().endswith(".onnx") and (path.startswith(weights) or path in _data_of(weights[: -len(".onnx")])):
        return True
    return path == weights or path.lower().endswith(_SMALL)


def _data_of(stem: str) -> set[str]:
    """Names of files in which an ONNX graph keeps its weights, beside those that begin with its own whole name."""
    return {f"{stem}{ending}" for ending in (".bin", ".data", "_data", ".weight", ".weights", ".pb")}
