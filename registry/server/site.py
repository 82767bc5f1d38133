"""What every page has in common: the forms of the commands, the templates, and what this server allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment

from ..reports.html.page import report_environment
from ..store.models import Model
from ..version import forebear_version
from .forms import Forms, Row, Shown, ShownTable
from .view import HTML, Answer

_FOLDER = Path(__file__).parent / "templates"
MOST_ROWS = 200
"""Rows of a table of a page; the API's answer holds all of them."""
_LONGEST = 400
"""Characters of a cell; a config in JSON has thousands."""
_LINKED = frozenset({"name", "model", "relative", "parent", "declares", "possible base"})
"""Titles of columns whose cells name models."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a page's table: its text, whether it stands to the right, and the address of what it names."""

    text: str
    right: bool
    link: str = ""


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table of a page: at most MOST_ROWS rows, and how many there are more."""

    above: Sequence[str]
    titles: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    more: int


@dataclass(frozen=True, slots=True)
class Site:
    """The forms of the commands, and whether models may be added."""

    forms: Forms
    allow_ingest: bool = False

    def page(self, template: str, media: str = HTML, code: int = 200, /, **values: object) -> Answer:
        """A template of `templates/`, filled in."""
        return Answer(
            _environment(self.allow_ingest).get_template(template).render(**values).encode(), media, status=code
        )


@cache
def _environment(allow_ingest: bool) -> Environment:
    environment = report_environment(_FOLDER)
    environment.globals |= {
        "allow_ingest": allow_ingest,
        "forebear_version": forebear_version(),
        "address": address,
    }
    return environment


def address(path: str, **parameters: object) -> str:
    """The address of a page; parameters that are empty are left out."""
    given = {name: str(value) for name, value in parameters.items() if value not in ("", None)}
    return f"{path}?{urlencode(given)}" if given else path


def identity(model: Model) -> str:
    """The text that names just this model: its source, with the revision where it has one."""
    return f"{model.uri}@{model.revision}" if model.revision else model.uri


def page_tables(shown: Shown) -> list[PageTable]:
    """The tables of a command's result, with models linked to their pages."""
    sources = _sources(shown.rows)
    return [_page_table(table, sources) for table in shown.tables]


def _page_table(table: ShownTable, sources: Mapping[str, str]) -> PageTable:
    titles = [Cell(title, number in table.right) for number, title in enumerate(table.titles)]
    linked = [title.text in _LINKED for title in titles]
    rows = [
        [
            Cell(_cut(text), head.right, address("/model", name=sources[text]) if link and text in sources else "")
            for head, link, text in zip(titles, linked, cells, strict=True)
        ]
        for cells in table.cells[:MOST_ROWS]
    ]
    return PageTable(table.above, titles, rows, max(0, len(table.cells) - MOST_ROWS))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _sources(rows: Sequence[Row]) -> dict[str, str]:
    """Names of models -> their sources, by the keys of the contract; a name of several models has none."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for name, source in _NAMED:
            if isinstance(key := row.get(name), str) and isinstance(value := row.get(source), str):
                found.setdefault(key, set()).add(value)
    return {name: next(iter(sources)) for name, sources in found.items() if len(sources) == 1}


_NAMED = (
    ("name", "source"),
    ("model", "source"),
    ("parent", "source"),
    ("query", "query_source"),
    ("relative", "relative_source"),
    ("child", "child_source"),
    ("parent", "parent_source"),
)
"""Keys of rows that hold a model's name, and its source."""
