"""What a published registry says of itself: versions, and its parts with their checksums."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...ingest.errors import FormatError, RegistryError
from ..store.database import migrations
from ..version import forebear_version
from .nested import MOST_BYTES, Address, address_of
from .place import MANIFEST, PublishedPlace

VERSION = 1
_LIMIT = 64 << 20
_MOST_PARTS = 100_000
_SHA256 = re.compile("[0-9a-f]{64}")
_KIND = "forebear registry"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The parts of a published registry, and the settings that its fingerprints were made with."""

    settings: Mapping[str, str]
    models: int
    parts: tuple[Address, ...]

    def written(self) -> bytes:
        """The file, the same for the same registry."""
        document = {
            "manifest_version": VERSION,
            "kind": _KIND,
            "forebear": forebear_version(),
            "migrations": [name for _, name, _ in migrations()],
            "settings": dict(self.settings),
            "models": self.models,
            "parts": [{"path": part.path("parts"), "sha256": part.sha256, "bytes": part.bytes} for part in self.parts],
        }
        return (json.dumps(document, indent=2) + "\n").encode()


def read_manifest(place: PublishedPlace) -> Manifest | None:
    """The manifest of a place, None where nothing was pushed.

    Raises FormatError for what is no manifest, RegistryError for another version than this forebear's.
    """
    data = place.read(MANIFEST, _LIMIT)
    if data is None:
        return None
    name = f"{place.name}/{MANIFEST}"
    try:
        found: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name}: is not valid JSON") from error
    if not isinstance(found, dict) or found.get("kind") != _KIND:
        raise FormatError(f"{name}: is not what `forebear push` writes")
    known = [name for _, name, _ in migrations()]
    if found.get("manifest_version") != VERSION or found.get("migrations") != known:
        raise RegistryError(
            f"{name}: pushed by forebear {found.get('forebear')} with another schema than"
            f" this one ({forebear_version()}) has; push it again with this version, or install that one"
        )
    settings, parts = found.get("settings"), found.get("parts")
    if not isinstance(settings, dict) or not isinstance(parts, list) or len(parts) > _MOST_PARTS:
        raise FormatError(f"{name}: lacks the settings or the parts")
    models = found.get("models")
    return Manifest(settings, models if isinstance(models, int) else 0, tuple(_parts(parts, name)))


def _parts(parts: Sequence[object], name: str) -> list[Address]:
    found = []
    for part in parts:
        sha256, size = (part.get("sha256"), part.get("bytes")) if isinstance(part, dict) else (None, None)
        found.append(checked_address(sha256, size, name))
    return found


def checked_address(sha256: object, size: object, name: str) -> Address:
    """An address of a stranger's file. Raises FormatError for what is none, or over the limit."""
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256) or not isinstance(size, int):
        raise FormatError(f"{name}: a file without a SHA-256 and a size")
    if not 0 < size <= MOST_BYTES:
        raise FormatError(f"{name}: a file of {size} bytes, the limit is {MOST_BYTES}")
    return Address(sha256, size)


def fetched(place: PublishedPlace, address: Address, folder: str) -> bytes:
    """The bytes of a file, which are those that its address says. Raises FormatError when they are not."""
    path = address.path(folder)
    data = place.read(path, address.bytes)
    if data is None:
        raise FormatError(f"{place.name}/{path}: is missing; push the registry again")
    if address_of(data) != address:
        raise FormatError(f"{place.name}/{path}: has another SHA-256 than its name; nothing of it was kept")
    return data
