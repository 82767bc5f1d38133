"""JSON Lines: a row a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO

from ...reports.numbers import plain
from .result import Result, Row


def lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """A line for each row."""
    for row in result.rows:
        yield from row_lines(row, False)


def row_lines(row: Row, first: bool) -> Iterator[str]:
    """The line of one row."""
    yield json.dumps(plain(row), allow_nan=False) + "\n"
