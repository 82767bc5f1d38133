"""Parquet: the rows of CSV with their types."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ....ingest.errors import FormatError
from ...reports.numbers import plain
from .result import Result

if TYPE_CHECKING:
    import pyarrow as pa


def data(result: Result) -> bytes:
    """The bytes of the file. Raises FormatError for rows that Parquet cannot hold, such as columns of mixed types."""
    import pyarrow as pa
    from pyarrow.parquet import write_table

    buffer = io.BytesIO()
    try:
        write_table(result.arrow if result.arrow is not None else _table(result), buffer)
    except (pa.ArrowException, OverflowError) as error:
        raise FormatError(f"these rows do not fit into Parquet: {error}; write them as .jsonl or .csv") from error
    return buffer.getvalue()


def _table(result: Result) -> pa.Table:
    """The rows as a table; a column takes its type from its values, and one without any has none."""
    import pyarrow as pa

    return pa.table({name: pa.array([plain(row.get(name)) for row in result.rows]) for name in result.names})
