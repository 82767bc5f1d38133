"""registry/store/catalogue.txt: digests of the catalogue that the migrations make, a version of DuckDB a line.

    python -m docs.make_catalogue       (with each version of DuckDB that a digest is wanted of)

Versions whose line is missing still open every registry, and compare it with one that they make: 0.1 s.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb

from forebear.registry.store.catalogue import KNOWN, digest, made_by
from forebear.registry.store.database import migrations

HEAD = "# What registries hold, by `python -m docs.make_catalogue`. Of the migrations with SHA-256 "


def page(kept: str) -> str:
    """The text of the file, with the lines of other versions that `kept` has of the same migrations."""
    texts = tuple(text for _, _, text in migrations())
    head = HEAD + hashlib.sha256("".join(texts).encode()).hexdigest()
    first, *lines = kept.splitlines() or [""]
    known = (line.split() for line in lines if first == head)
    versions = {version: found for found, version in known}
    versions[duckdb.__version__] = digest(*made_by(texts))
    return "\n".join([head, *(f"{found} {version}" for version, found in sorted(versions.items())), ""])


if __name__ == "__main__":
    path = Path(KNOWN)
    path.write_text(page(path.read_text("utf-8") if path.exists() else ""), "utf-8")
