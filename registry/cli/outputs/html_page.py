"""One HTML page that loads nothing: the tables that people see, or the page that a result makes of itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import IO

from ....ingest.text import printable
from .result import Result, Table

_LONGEST = 1 << 62
_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>forebear</title>
<style>
:root { color-scheme: light; --ink: #1b1f24; --ground: #fff; --line: #ccc; }
@media screen and (prefers-color-scheme: dark) {
  :root { color-scheme: dark; --ink: #e6edf3; --ground: #0d1117; --line: #3d444d; }
}
body { color: var(--ink); background: var(--ground); font: 15px/1.5 system-ui, sans-serif; margin: 2em; }
table { border-collapse: collapse; margin: 1em 0 2em; }
th, td { padding: .2em .8em; text-align: left; border-bottom: 1px solid var(--line); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
</style>
"""


def lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """The page; names of strangers are text in it, never markup."""
    if result.page is not None:
        yield result.page()
        return
    yield _HEAD
    for table in result.shown:
        for line in table.above:
            yield f"<p>{_text(line)}</p>\n"
        if table.titles:
            yield from _grid(table)
    yield "</html>\n"


def _grid(table: Table) -> Iterator[str]:
    yield "<table>\n"
    yield _row("th", table.titles, table)
    for cells in table.cells:
        yield _row("td", cells, table)
    yield "</table>\n"


def _row(tag: str, cells: Sequence[str], table: Table) -> str:
    marks = [' class="number"' if number in table.right else "" for number in range(len(table.titles))]
    found = "".join(f"<{tag}{mark}>{_text(cell)}</{tag}>" for mark, cell in zip(marks, cells, strict=True))
    return f"<tr>{found}</tr>\n"


def _text(text: str) -> str:
    return escape(printable(text, _LONGEST))
