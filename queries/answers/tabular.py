"""What every answer can do in Python: be a line, an HTML table in a notebook, and a table of Arrow, pandas or Polars.

Limitations: a column of an answer without rows has no type, as rows alone give types.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from ...ingest.errors import ForebearError
from ...ingest.text import printable

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

SHOWN = 20
"""Rows of an HTML table: what a notebook shows without scrolling; `to_pandas` has them all."""
LONGEST = 110
"""Characters of a repr: a line of a terminal."""
_CELL = 4096
"""Characters of a cell: more than any sentence has, and less than what a stranger may call a model."""


class Tabular(ABC):
    """An answer that is rows. A class of it gives `rows` and `line`; its dataclass has `repr=False`."""

    __slots__ = ()

    @abstractmethod
    def rows(self) -> list[dict[str, object]]:
        """The rows, with the keys of the JSON contract."""

    @property
    @abstractmethod
    def line(self) -> str:
        """The answer in a line."""

    def to_arrow(self) -> pa.Table:
        """The rows as an Arrow table; mappings are structs."""
        import pyarrow as pa

        found = self.rows()
        return pa.table({name: pa.array([row.get(name) for row in found]) for name in (found[0] if found else ())})

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a pandas data frame. Raises ForebearError where pandas is not installed."""
        try:
            import pandas as pd
        except ImportError as error:
            raise ForebearError("pandas is not installed here: pip install pandas; or take to_arrow()") from error
        return pd.DataFrame(self.rows())

    def to_polars(self) -> pl.DataFrame:
        """The rows as a Polars data frame. Raises ForebearError where Polars is not installed."""
        try:
            import polars as pl
        except ImportError as error:
            raise ForebearError("polars is not installed here: pip install polars; or take to_arrow()") from error
        found = pl.from_arrow(self.to_arrow())
        if not isinstance(found, pl.DataFrame):
            raise TypeError("a table became a series")
        return found

    def __repr__(self) -> str:
        return one_line(type(self).__name__, self.line)

    def _repr_html_(self) -> str:
        """What notebooks show: the line, and the first rows without what is nested. Names are text, never markup."""
        return html_table(self.line, self.rows())


def one_line(name: str, line: str) -> str:
    """`Name(line)`, cut to LONGEST characters: a name or a sentence of any length leaves a repr readable."""
    text = printable(line, LONGEST)
    room = LONGEST - len(name) - 2
    return f"{name}({text if len(text) <= room else text[: room - 3] + '...'})"


def html_table(line: str, rows: Sequence[Mapping[str, object]]) -> str:
    """A line above the first rows as an HTML table."""
    names = [name for name in (rows[0] if rows else ()) if not any(_is_nested(row.get(name)) for row in rows)]
    head = "".join(f"<th>{_text(name)}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td>{_text(_cell(row.get(name)))}</td>' for name in names)}</tr>" for row in rows[:SHOWN]
    )
    more = f"<p>and {len(rows) - SHOWN} more rows</p>" if len(rows) > SHOWN else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if names else ""
    return f"<p>{_text(line)}</p>{table}{more}"


def _is_nested(value: object) -> bool:
    return isinstance(value, list | tuple | dict)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) and math.isfinite(value) else str(value)


def _text(text: str) -> str:
    return escape(printable(text, _CELL))
