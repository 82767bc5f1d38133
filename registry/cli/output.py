"""One way to print rows: as a table for people, or as JSON, JSON Lines or CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from ...ingest.text import printable
from ..reports.numbers import plain
from .options import Format

if TYPE_CHECKING:
    from rich.table import Table as Grid

SCHEMA_VERSION = 1
_LONGEST = sys.maxsize
_UNBOUNDED = 100_000
"""Columns of a table that goes to a file or a pipe: nothing is cut there."""

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Table:
    """What people see: lines of text, then columns; those whose numbers are in `right` stand to the right."""

    titles: Sequence[str]
    cells: Sequence[Sequence[str]]
    right: Collection[int] = ()
    above: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What a command returns, in every form: the JSON document, the rows of JSONL and CSV, and the tables."""

    document: Row
    rows: Sequence[Row]
    tables: Sequence[Table]
    columns: Sequence[str] = field(default=())
    """The columns of CSV, where they are not those of the first row."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's rows go, and in which form."""

    form: Format = Format.TABLE
    path: Path | None = None
    quiet: bool = False

    def say(self, *lines: str) -> None:
        """Lines for people, on stderr."""
        if not self.quiet:
            for line in lines:
                print(printable(line, _LONGEST), file=sys.stderr)

    def write(self, result: Result) -> None:
        """Print a result to its place. Raises OSError when the file cannot be written."""
        with self.opened() as stream:
            self.print(result, stream)

    def print(self, result: Result, stream: IO[str]) -> None:
        """Print a result to an open stream."""
        match self.form:
            case Format.TABLE:
                stream.write(_tables(result.tables, stream))
            case Format.JSON:
                document = {"schema_version": SCHEMA_VERSION, **result.document}
                stream.write(json.dumps(plain(document), indent=2, allow_nan=False) + "\n")
            case Format.JSONL:
                stream.writelines(json_line(row) for row in result.rows)
            case Format.CSV:
                columns = list(result.columns or (result.rows[0] if result.rows else ()))
                stream.writelines(csv_lines(columns, result.rows))

    @contextmanager
    def opened(self) -> Iterator[IO[str]]:
        """Stdout or the file."""
        if self.path is None or str(self.path) == "-":
            yield sys.stdout
            return
        with self.path.open("w", encoding="utf-8", newline="") as stream:
            yield stream


def json_line(row: Row) -> str:
    """One line of JSON Lines."""
    return json.dumps(plain(row), allow_nan=False) + "\n"


def csv_lines(columns: Sequence[str], rows: Sequence[Row], *, header: bool = True) -> Iterator[str]:
    """Lines of CSV. A list becomes its items with `;` between; what is nested becomes JSON."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if header:
        writer.writerow([printable(name, _LONGEST) for name in columns])
    for row in rows:
        writer.writerow([_csv_cell(plain(row.get(name))) for name in columns])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _csv_cell(value: object) -> object:
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ";".join(str(_csv_cell(item)) for item in value)
    if isinstance(value, list | dict):
        return json.dumps(value, allow_nan=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return printable(value, _LONGEST) if isinstance(value, str) else value


def _tables(tables: Sequence[Table], stream: IO[str]) -> str:
    """Tables as text, in colour on a terminal alone. Elsewhere a line is as long as its row, and nothing is cut."""
    from rich.console import Console
    from rich.text import Text

    buffer = io.StringIO()
    terminal = stream.isatty()
    width = shutil.get_terminal_size().columns if terminal else _UNBOUNDED
    console = Console(file=buffer, force_terminal=terminal, width=width, markup=False, emoji=False, highlight=False)
    for number, table in enumerate(tables):
        if number:
            console.print()
        for line in table.above:
            console.print(Text(printable(line, _LONGEST), style="bold"), soft_wrap=True)
        if table.titles:
            console.print(_grid(table))
    lines = buffer.getvalue().splitlines()
    return "".join(line.rstrip() + "\n" for line in lines)


def _grid(table: Table) -> Grid:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, title in enumerate(table.titles):
        side: Literal["left", "right"] = "right" if number in table.right else "left"
        grid.add_column(Text(printable(title, _LONGEST)), justify=side, overflow="fold")
    for cells in table.cells:
        grid.add_row(*(Text(printable(cell, _LONGEST)) for cell in cells))
    return grid
