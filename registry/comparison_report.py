"""A comparison as one HTML file that people read."""

from __future__ import annotations

from pathlib import Path

from ..ingest.errors import RegistryError
from ..queries.comparison.records import Comparison


def write_report(document: Comparison, path: Path) -> None:
    """Draw the report of a comparison and write it to `path`. Raises RegistryError: nothing draws it yet."""
    raise RegistryError(
        f"{path}: the HTML report of {len(document.models)} models cannot be drawn by this version;"
        " `--format json -o FILE` writes everything that it would show"
    )
