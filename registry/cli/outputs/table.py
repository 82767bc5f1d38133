"""Tables for people, in colour on a terminal alone. Elsewhere a line is as long as its row.

No cell is cut. Columns that a table can do without are left out where a terminal is too narrow, in pipes and in files.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Literal

from ....ingest.text import printable
from .result import Result, Table

if TYPE_CHECKING:
    from rich.table import Table as Grid

_LONGEST = 1 << 62
_UNBOUNDED = 100_000
"""Columns of a table that goes to a file or a pipe: nothing is cut there."""
_BETWEEN = 2
"""Blanks between two columns."""


def lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """The tables one below another; as wide as the terminal, where the stream is one."""
    if not result.tables:
        return
    from rich.console import Console
    from rich.text import Text

    buffer = io.StringIO()
    terminal = stream.isatty()
    width = shutil.get_terminal_size().columns if terminal else _UNBOUNDED
    console = Console(file=buffer, force_terminal=terminal, width=width, markup=False, emoji=False, highlight=False)
    for number, table in enumerate(result.tables):
        if number:
            console.print()
        for line in table.above:
            console.print(Text(printable(line, _LONGEST), style="bold"), soft_wrap=True)
        if table.titles:
            console.print(_grid(_fitting(table, width if terminal else 0)))
    for line in buffer.getvalue().splitlines():
        yield line.rstrip() + "\n"


def _fitting(table: Table, width: int) -> Table:
    """The table without as many of its spare columns as it must lose to be at most `width` wide."""
    for count in range(len(table.spare)):
        fits = table.without(table.spare[:count])
        if _width(fits) <= width:
            return fits
    return table.without(table.spare)


def _width(table: Table) -> int:
    from rich.cells import cell_len

    columns = zip(table.titles, *table.cells, strict=True)
    return sum(max(cell_len(printable(cell, _LONGEST)) for cell in column) + _BETWEEN for column in columns) - _BETWEEN


def _grid(table: Table) -> Grid:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for number, title in enumerate(table.titles):
        side: Literal["left", "right"] = "right" if number in table.right else "left"
        grid.add_column(Text(printable(title, _LONGEST)), justify=side, overflow="fold")
    for cells in table.cells:
        grid.add_row(*(Text(printable(cell, _LONGEST)) for cell in cells))
    return grid
