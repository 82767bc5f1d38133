"""A case as one HTML page that loads nothing; the same blocks make the tables of the command line."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from ....ingest.errors import RegistryError
from ....queries.comparison.case.records import CaseResult
from ...version import forebear_version
from ..html.images import style
from ..templates import templates
from .answer import answer_sections, banners
from .blocks import Drawing, Grid, Section, Sentence
from .context import architecture_section, method_sections
from .gains import gains_section
from .prose import Words
from .tokens import tokens_section
from .weights import kinds_section, rest_sections

MOST_ROWS = 600
"""Rows of a table on the page; JSON and CSV hold all of them."""
_FORMULA = re.compile(r"^[=+\-@\t\r](?![0-9.])")
"""What a spreadsheet would run; a negative number is none."""


def case_sections(result: CaseResult, words: Words) -> list[Section]:
    """The whole document, in the order of the page."""
    return [
        *answer_sections(result, words),
        kinds_section(result, words),
        gains_section(result, words),
        tokens_section(result, words),
        architecture_section(result, words),
        *rest_sections(result, words),
        *method_sections(result, words),
    ]


def case_page(result: CaseResult, language: str = "en") -> str:
    """The page as HTML: the same text for the same result."""
    words = Words(language)
    environment = templates()
    environment.tests |= {
        "grid": lambda block: isinstance(block, Grid),
        "sentence": lambda block: isinstance(block, Sentence),
        "drawing": lambda block: isinstance(block, Drawing),
    }
    with style():
        return environment.get_template("case.html").render(
            result=result,
            words=words,
            banners=banners(result, words),
            sections=case_sections(result, words),
            most=MOST_ROWS,
            forebear=forebear_version(),
        )


def write_page(result: CaseResult, path: Path, language: str = "en") -> None:
    """Write the page to `path`. Raises RegistryError when it cannot be written."""
    page = case_page(result, language)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise RegistryError(f"{path}: the report cannot be written ({error.strerror})") from error


def write_tables(result: CaseResult, folder: Path, language: str = "en") -> list[Path]:
    """Every table of the page as a CSV file of `folder`, all rows. Raises RegistryError when they cannot be written."""
    words = Words(language)
    sections = case_sections(result, words)
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for grid in (block for section in sections for block in section.blocks if isinstance(block, Grid)):
            stream = io.StringIO()
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerows([_safe(cell) for cell in row] for row in [grid.titles, *grid.rows])
            path = folder / f"{re.sub(r'[^A-Za-z0-9_.]', '_', grid.name)}.csv"
            path.write_text(stream.getvalue(), encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise RegistryError(f"{folder}: the tables cannot be written ({error.strerror})") from error
    return written


def _safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: names are strangers' text."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
