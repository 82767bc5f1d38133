"""The pair lists that come with forebear: facts and citations, a file each in `lists`."""

from __future__ import annotations

import difflib
from pathlib import Path

from ...ingest.errors import SourceError
from ...ingest.text import printable
from .pair_list import PairList, read_pair_list

FOLDER = Path(__file__).parent / "lists"


def shipped_lists() -> list[PairList]:
    """Every list that comes with forebear, by name."""
    return [read_pair_list(path) for path in sorted(FOLDER.glob("*.yaml"))]


def find_list(spec: str) -> PairList:
    """The list of a file, or of the name of one that comes with forebear.

    Raises FormatError for a file that is no list, SourceError where there is neither; OSError when it cannot be read.
    """
    path = Path(spec)
    if path.is_file():
        return read_pair_list(path)
    names = [path.stem for path in sorted(FOLDER.glob("*.yaml"))]
    if spec in names:
        return read_pair_list(FOLDER / f"{spec}.yaml")
    close = difflib.get_close_matches(spec[:80], names, 1)
    meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
    raise SourceError(f"{printable(spec)}: no such file, and no list of that name; {meant}")
