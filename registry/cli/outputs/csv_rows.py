"""CSV: a list becomes its items with `;` between, what is nested becomes JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from typing import IO

from ....ingest.text import printable
from ...reports.numbers import plain
from .result import Result, Row

_LONGEST = 1 << 62


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a formula (OWASP, CSV Injection); full-width forms too."""
_WIDE = ("\uff1d", "\uff0b", "\uff0d", "\uff20")


def safe_lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """As `lines`, texts that a spreadsheet would run behind an apostrophe, which it takes for "this is text"."""
    yield _line([_unrun(printable(name, _LONGEST)) for name in result.names])
    for row in result.rows:
        yield _row(row, result.names, safe=True)


def safe_row_lines(row: Row, first: bool) -> Iterator[str]:
    """As `row_lines`, texts that a spreadsheet would run behind an apostrophe."""
    names = list(row)
    if first:
        yield _line([_unrun(printable(name, _LONGEST)) for name in names])
    yield _row(row, names, safe=True)


def _unrun(cell: object) -> object:
    """A number stays one; a text is quoted where a formula could begin, also behind spaces."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA + _WIDE):
        return f"'{cell}"
    return cell


def lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """The names of the columns, then a line for each row."""
    yield _line([printable(name, _LONGEST) for name in result.names])
    for row in result.rows:
        yield _row(row, result.names)


def row_lines(row: Row, first: bool) -> Iterator[str]:
    """The line of one row, below the names of its columns where it is the first."""
    names = list(row)
    if first:
        yield _line([printable(name, _LONGEST) for name in names])
    yield _row(row, names)


def _row(row: Row, names: Sequence[str], *, safe: bool = False) -> str:
    cells = [_cell(plain(row.get(name))) for name in names]
    return _line([_unrun(cell) for cell in cells] if safe else cells)


class _Echo:
    """What a CSV writer writes to, so that it returns each line."""

    def write(self, line: str) -> str:
        return line


_WRITER = csv.writer(_Echo(), lineterminator="\n")


def _line(cells: Sequence[object]) -> str:
    line: str = _WRITER.writerow(cells)
    return line


def _cell(value: object) -> object:
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ";".join(str(_cell(item)) for item in value)
    if isinstance(value, list | dict):
        return json.dumps(value, allow_nan=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return printable(value, _LONGEST) if isinstance(value, str) else value
