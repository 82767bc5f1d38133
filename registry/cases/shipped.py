"""The cases that come with forebear: facts and citations, a file each in `files`."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from ...ingest.errors import SourceError
from ...ingest.text import printable
from ...queries.comparison.case.question import Case
from .case_file import read_case

FOLDER = Path(__file__).parent / "files"


@dataclass(frozen=True, slots=True)
class ShippedCase:
    """A case by its name."""

    name: str
    case: Case


def shipped_cases() -> list[ShippedCase]:
    """Every case that comes with forebear, by name."""
    return [ShippedCase(path.stem, read_case(path)) for path in sorted(FOLDER.glob("*.yaml"))]


def find_case(spec: str | Path) -> Case:
    """The case of a file, or of the name of one that comes with forebear.

    Raises FormatError for a file that is no case, SourceError where there is neither; OSError when it cannot be read.
    """
    path = Path(spec)
    if path.is_file():
        return read_case(path)
    names = [path.stem for path in sorted(FOLDER.glob("*.yaml"))]
    if str(spec) in names:
        return read_case(FOLDER / f"{spec}.yaml")
    close = difflib.get_close_matches(str(spec)[:80], names, 1)
    meant = f"did you mean {close[0]}?" if close else "`forebear case --list` shows those that come with forebear"
    raise SourceError(f"{printable(str(spec))}: no such file, and no case of that name; {meant}")
