"""Every SQL statement of the project, a file each, by the room that asks it; `statement` finds one by its name."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def statement(name: str) -> str:
    """The text of `queries/sql/NAME.sql`, as `models/facts`; FileNotFoundError where there is none."""
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
