"""Markdown: the tables that people see, for an issue or a model card."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import IO

from ....ingest.text import printable
from .result import Result, Table

_LONGEST = 1 << 62
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """The lines above each table, then the table; whatever Markdown would read as its own is escaped."""
    for number, table in enumerate(result.shown):
        if number:
            yield "\n"
        for line in table.above:
            yield f"{_text(line)}\n\n"
        if table.titles:
            yield from _grid(table)


def _grid(table: Table) -> Iterator[str]:
    yield _row(table.titles)
    yield _row_of("--:" if number in table.right else "---" for number in range(len(table.titles)))
    for cells in table.cells:
        yield _row(cells)


def _row(cells: Sequence[str]) -> str:
    return _row_of(_text(cell) for cell in cells)


def _row_of(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _text(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", printable(text, _LONGEST))
