"""`forebear sql`: questions in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ...reports.numbers import counted, plain
from ..errors import ended_by_interrupt
from ..options import RegistryOption, registry_path
from ..output import Output
from ..outputs.result import Result, Row, Table
from ..printing import printing

if TYPE_CHECKING:
    import pyarrow as pa


@printing
def sql(
    context: typer.Context,
    to: Output,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One SELECT, FROM, WITH, SHOW or DESCRIBE.")],
    registry: RegistryOption = None,
) -> None:
    """Run one SQL query, read-only.

    It can neither change the registry nor reach other files. `forebear sql "SHOW TABLES"` shows the tables, schema/
    documents them. For anything else open the file with duckdb.
    """
    from ...store.database import registry_place
    from ...store.sql import rows_of, run_sql

    with ended_by_interrupt():
        found = run_sql(registry_place(registry_path(context, registry)), query)
    names = list(found.column_names)
    types = [str(column.type) for column in found.schema]
    to.write(sql_result(names, types, rows_of(found), found))
    to.say(counted(found.num_rows, "row"))


def sql_result(names: list[str], types: list[str], rows: Sequence[Row], arrow: pa.Table | None = None) -> Result:
    """Rows of a query in every form; numbers stand to the right."""
    columns = [{"name": name, "type": kind} for name, kind in zip(names, types, strict=True)]
    numeric = [number for number, kind in enumerate(types) if kind.startswith(_NUMERIC)]
    cells = [[_cell(row[name]) for name in names] for row in rows]
    return Result({"columns": columns, "rows": rows}, rows, [Table(names, cells, numeric, tall=True)], names, arrow)


_NUMERIC = ("int", "uint", "float", "double", "decimal")
"""How the names of Arrow's number types begin."""


def _cell(value: object) -> str:
    return "NULL" if value is None else str(plain(value))
