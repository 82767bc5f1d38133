"""A place that is a folder of this machine, or of a network drive."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from ...ingest.errors import FormatError, SourceError
from .place import MANIFEST, PlaceKind


class Folder:
    """Files below a folder; each appears whole, by a rename."""

    def __init__(self, address: str) -> None:
        from urllib.parse import unquote, urlsplit

        local = unquote(urlsplit(address).path) if address.startswith("file://") else address
        self._folder = Path(os.path.abspath(Path(local).expanduser()))
        self.name = self._folder.as_uri()

    def read(self, path: str, limit: int) -> bytes | None:
        """See PublishedPlace."""
        file = self._folder / path
        try:
            if not file.is_file():
                return None
            if (size := file.stat().st_size) > limit:
                raise FormatError(f"{file}: has {size} bytes, the limit for it is {limit}")
            return file.read_bytes()
        except OSError as error:
            raise SourceError(f"{file}: cannot be read: {error.strerror}") from error

    def publish(self, files: Mapping[str, Path], manifest: bytes) -> None:
        """See PublishedPlace. What is there already under its path is left: a path says what is in it."""
        try:
            for path, local in files.items():
                if not (self._folder / path).exists():
                    self._put(path, local)
            self._put(MANIFEST, manifest)
        except OSError as error:
            raise SourceError(f"{self._folder}: cannot be written: {error.strerror}") from error

    def _put(self, path: str, content: Path | bytes) -> None:
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{uuid4().hex}.partial")
        try:
            if isinstance(content, bytes):
                partial.write_bytes(content)
            else:
                shutil.copyfile(content, partial)
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


KIND = PlaceKind(lambda address: True, Folder)
