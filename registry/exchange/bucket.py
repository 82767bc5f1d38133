"""A place that fsspec knows: `s3://`, `gs://`, `az://`, `memory://` and others, each with its own package."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import fsspec

from ...ingest.errors import FormatError, SourceError
from .place import MANIFEST, PlaceKind

_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+)://")


class Bucket:
    """Files below a path of fsspec; credentials are those that its package finds in the environment."""

    def __init__(self, address: str) -> None:
        self.name = address.rstrip("/")
        try:
            self._files, self._root = fsspec.url_to_fs(self.name)
        except (ImportError, ValueError) as error:
            raise SourceError(f"{address}: cannot be opened: {error}") from error

    def read(self, path: str, limit: int) -> bytes | None:
        """See PublishedPlace."""
        target = f"{self._root}/{path}"
        try:
            size = int(self._files.info(target)["size"])
            if size > limit:
                raise FormatError(f"{self.name}/{path}: has {size} bytes, the limit for it is {limit}")
            return bytes(self._files.cat_file(target))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise SourceError(f"{self.name}/{path}: cannot be read: {error}") from error

    def publish(self, files: Mapping[str, Path], manifest: bytes) -> None:
        """See PublishedPlace. Object stores show a file when all of it is there."""
        try:
            for path, local in files.items():
                self._put(path, local.read_bytes())
            self._put(MANIFEST, manifest)
        except (OSError, ValueError) as error:
            raise SourceError(f"{self.name}: cannot be written: {error}") from error

    def _put(self, path: str, content: bytes) -> None:
        target = f"{self._root}/{path}"
        self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
        self._files.pipe_file(target, content)


def _takes(address: str) -> bool:
    found = _SCHEME.match(address)
    return found is not None and found["scheme"] != "file"


KIND = PlaceKind(_takes, Bucket)
