"""The models in a folder of models, each as a source of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .errors import ForebearError, SourceError
from .formats import FORMATS, files
from .formats.networks import PIPELINE
from .sources.folder import FolderSource, open_folder
from .sources.numbered import find_part

_DEPTH = 8
_MOST = 100_000


def model_folders(root: Path) -> list[Path]:
    """Every folder at or below `root` that holds the weights of a model, and every file where a folder holds several.

    What is below a model's folder belongs to that model. Hidden folders and links to folders are passed over, and so
    are folders more than eight levels down. A repository in a Hub cache is one model. Raises SourceError for a root
    that cannot be listed or has more than 100,000 folders.
    """
    found: list[Path] = []
    pending = [(root, 0)]
    seen = 0
    while pending:
        folder, depth = pending.pop()
        seen += 1
        if seen > _MOST:
            raise SourceError(f"{root}: more than {_MOST} folders; name a smaller one")
        models = list(_models(folder))
        found += models
        if models or depth == _DEPTH:
            continue
        try:
            below = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink()]
        except OSError as error:
            if folder == root:
                raise SourceError(f"{folder}: cannot be listed: {error.strerror}") from error
            continue
        pending += [(entry, depth + 1) for entry in below if not entry.name.startswith(".")]
    return sorted(found)


def _models(folder: Path) -> Iterator[Path]:
    """The folder itself, where its own files are one model; its files, where they are several; nothing else."""
    if folder.name.startswith("models--") and (folder / "snapshots").is_dir():
        yield folder
        return
    try:
        source = open_folder(folder, depth=0)
    except ForebearError:
        return
    if PIPELINE in source.files:
        yield folder
        return
    try:
        if files.find_files(source, FORMATS).networks:
            yield folder
    except files.SeveralModels:
        yield from (folder / path for path in _single(source))
    except ForebearError:  # something is missing: said when it is ingested
        yield folder


def _single(source: FolderSource) -> Iterator[str]:
    """The files of weights in a folder of several models, each set of parts by its first."""
    seen: set[str] = set()
    for path in sorted(source.files):
        part = find_part(path)
        if any(form.holds(path) for form in FORMATS) and (part is None or part.family not in seen):
            seen |= {part.family} if part else set()
            yield path
