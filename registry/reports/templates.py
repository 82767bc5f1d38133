"""How every page is filled in: names of strangers are text, never markup, and turn no line around."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...ingest.text import printable

_FOLDERS = tuple(Path(__file__).parent / name for name in ("html", "drawings", "cases"))


def templates(*more: Path) -> Environment:
    """The templates of the reports and drawings, and of the folders `more`, which escape what is put into them."""
    return Environment(
        loader=FileSystemLoader((*_FOLDERS, *more)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_safe,
    )


def _safe(value: object) -> object:
    return printable(value, 16 * len(value)) if isinstance(value, str) and not isinstance(value, Markup) else value
