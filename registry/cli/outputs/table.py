"""Tables for people, in colour on a terminal alone.

One rule fits a table into the width that there is: that of the terminal, else what COLUMNS says, else 80. Columns that
a table can do without are left out one after another; then texts are wrapped between words, the widest column first;
then one blank stands between columns instead of two; and a table that may be tall shows its rows one below another.
Numbers are never wrapped, and nothing is cut. A word that is too long alone (a path) stays whole in a pipe or a file,
so that it can be copied and found, and is broken on a terminal. Lines above a table are wrapped on a terminal alone.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Literal

from ....ingest.text import printable
from .result import Result, Table

if TYPE_CHECKING:
    from rich.table import Table as Grid

_LONGEST = 1 << 62
_UNBOUNDED = 1_000_000
"""Columns of the page that a table is drawn on: its own columns decide how wide it is."""
_USUAL = 80
"""Columns where nothing says how many there are."""
_BETWEEN = (2, 1)
"""Blanks between two columns; the second where the table is too wide otherwise."""
_NARROWEST = 8
"""Columns that a broken word gets at least."""


def lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """The tables one below another, as wide as there is room."""
    if not result.tables:
        return
    from rich.console import Console
    from rich.text import Text

    buffer = io.StringIO()
    terminal = stream.isatty()
    width = room(terminal)
    console = Console(
        file=buffer, force_terminal=terminal, width=_UNBOUNDED, markup=False, emoji=False, highlight=False
    )
    for number, table in enumerate(result.tables):
        if number:
            console.print()
        for line in table.above:
            text = Text(printable(line, _LONGEST), style="bold")
            for part in text.wrap(console, width) if terminal else (text,):
                console.print(part, soft_wrap=True)
        for grid in _grids(table, width, broken=terminal) if table.titles else ():
            console.print(grid)
    for line in buffer.getvalue().splitlines():
        yield line.rstrip() + "\n"


def _grids(table: Table, width: int, *, broken: bool) -> Iterator[Grid]:
    """The table, or one a row where it may be tall and is too wide."""
    fitting = _fitting(table, width)
    tried = [(between, _widths(fitting, width, between, broken=broken)) for between in _BETWEEN]
    fits = next(((between, widths) for between, widths in tried if _total(widths, between) <= width), None)
    if fits or not table.tall:
        between, widths = fits or tried[0]
        yield _grid(fitting, widths, between)
        return
    for number, row in enumerate(table.cells, 1):
        record = Table((f"row {number}", ""), list(zip(table.titles, row, strict=True)), (), (), (), (0,))
        yield _grid(record, _widths(record, width, _BETWEEN[0], broken=broken), _BETWEEN[0])


def room(terminal: bool) -> int:
    """Columns that there are: of the terminal; elsewhere as COLUMNS says, or 80."""
    if terminal:
        return shutil.get_terminal_size().columns
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdecimal() and int(said) > 0 else _USUAL


def _fitting(table: Table, width: int) -> Table:
    """The table without spare columns that are empty, and without as many others as it must lose to be `width` wide."""
    empty = [number for number in table.spare if not any(row[number] for row in table.cells)]
    others = [number for number in table.spare if number not in empty]
    for count in range(len(others)):
        fits = table.without([*empty, *others[:count]])
        if _total(_natural(fits)) <= width:
            return fits
    return table.without(table.spare)


def _total(widths: list[int], between: int = _BETWEEN[0]) -> int:
    return sum(widths) + between * (len(widths) - 1)


def _natural(table: Table) -> list[int]:
    """How wide each column is when nothing is wrapped."""
    return [max(map(_length, column)) for column in zip(table.titles, *table.cells, strict=True)]


def _length(cell: str) -> int:
    from rich.cells import cell_len

    return cell_len(printable(cell, _LONGEST))


def _widths(table: Table, width: int, between: int, *, broken: bool) -> list[int]:
    """How wide each column becomes: the widest text gives way first, to its longest word; then further, if `broken`."""
    widths = _natural(table)
    columns = zip(table.titles, *table.cells, strict=True)
    words = [max((_length(word) for cell in column for word in cell.split()), default=0) for column in columns]
    texts = [number for number in range(len(widths)) if number not in table.right and number not in table.firm]
    for least in (words, [min(word, _NARROWEST) for word in words]) if broken else (words,):
        while (over := _total(widths, between) - width) > 0:
            able = [number for number in texts if widths[number] > least[number]]
            if not able:
                break
            widest = max(able, key=lambda number: widths[number])
            below = max((widths[n] for n in able if widths[n] < widths[widest]), default=0)
            widths[widest] -= min(over, max(1, widths[widest] - max(below, least[widest])))
    return widths


def _grid(table: Table, widths: list[int], between: int) -> Grid:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    blanks = between - 1  # the box has one of its own
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True, padding=(0, blanks))
    for number, title in enumerate(table.titles):
        side: Literal["left", "right"] = "right" if number in table.right else "left"
        grid.add_column(Text(printable(title, _LONGEST)), justify=side, overflow="fold", width=widths[number])
    for cells in table.cells:
        grid.add_row(*(Text(printable(cell, _LONGEST)) for cell in cells))
    return grid
