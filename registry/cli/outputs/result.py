"""What a command returns, before it has a format."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ....ingest.errors import ForebearError
from ...reports.numbers import plain

if TYPE_CHECKING:
    import pyarrow as pa

    from ...reports.bom import BillOfMaterials
    from ...reports.findings import Finding

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Table:
    """What people see: lines of text, then columns; those whose numbers are in `right` stand to the right.

    `spare` are columns that text does without where the table is too wide, the first of them first; those in `firm`
    are never wrapped. Where it may be `tall`, a table that stays too wide shows its rows one below another.
    """

    titles: Sequence[str]
    cells: Sequence[Sequence[str]]
    right: Collection[int] = ()
    above: Sequence[str] = ()
    spare: Sequence[int] = ()
    firm: Collection[int] = ()
    tall: bool = False

    def without(self, columns: Collection[int]) -> Table:
        """The table without some of its columns."""
        kept = [number for number in range(len(self.titles)) if number not in columns]
        return Table(
            [self.titles[number] for number in kept],
            [[row[number] for number in kept] for row in self.cells],
            [place for place, number in enumerate(kept) if number in self.right],
            self.above,
            (),
            [place for place, number in enumerate(kept) if number in self.firm],
            self.tall,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What a command returns: the JSON document, the rows of JSON Lines, CSV and Parquet, and the tables for people.

    `arrow` holds the same rows with their types, where there are any; `page` makes an HTML document of its own, and
    `drawings` the lines of the formats of DRAWINGS. `configs` are documents in YAML that another tool runs, and
    `findings` what the formats of FINDINGS hold, `bill` what those of BILLS do, and `patch` a diff.
    """

    document: Row
    rows: Sequence[Row]
    tables: Sequence[Table]
    columns: Sequence[str] = field(default=())
    """The columns of CSV and Parquet, where they are not those of the first row."""
    arrow: pa.Table | None = None
    page: Callable[[], str] | None = None
    drawings: Mapping[str, Callable[[], Iterable[str]]] = field(default_factory=dict)
    configs: Sequence[str] = ()
    findings: Sequence[Finding] | None = None
    bill: BillOfMaterials | None = None
    patch: str = ""

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return list(self.columns or (self.rows[0] if self.rows else ()))

    @property
    def shown(self) -> Sequence[Table]:
        """The tables, or one of all rows for a result that says itself in a line to people."""
        if self.tables or not self.rows:
            return self.tables
        cells = [[_cell(plain(row.get(name))) for name in self.names] for row in self.rows]
        return [Table(self.names, cells)]


def _cell(value: object) -> str:
    """A value for people: nothing where it is not known, lists as words."""
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def required_bill(result: Result) -> BillOfMaterials:
    """The bill of materials that a format writes. Raises ForebearError where there is none."""
    if result.bill is None:
        raise ForebearError("there is no bill of materials to write; `forebear bom MODEL` makes one")
    return result.bill


def required_findings(result: Result) -> Sequence[Finding]:
    """The findings that a format writes. Raises ForebearError where there are none to write."""
    if result.findings is None:
        raise ForebearError("there are no findings in this result; write it as .json, .csv or .parquet")
    return result.findings
