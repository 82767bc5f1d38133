"""The Parquet files of an exported table, maybe a stranger's: checked by their footers, then read in pieces.

Before a row is read, every file has the columns and types of the table, and the rows of all are counted. A list may
stand for an array of fixed length, whose length the registry checks itself.

Limitations: values are checked for being numbers, ids for being there; what they say of a model is taken as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import ColumnExpression

from ...ingest.errors import FormatError
from .arrow import MOST_NUMBER

PART = "part.parquet"
_ROWS = 1 << 14
"""Rows that are in memory at once: of the widest, 49 kB of a model's activations, parts hold 256."""


def portable(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """A relation with the types that Parquet has: bit strings as BLOBs."""
    columns = [
        ColumnExpression(name).cast("BLOB").alias(name) if str(kind) == "BIT" else ColumnExpression(name)
        for name, kind in zip(relation.columns, relation.types, strict=True)
    ]
    return relation.select(*columns)


def parts(folder: Path) -> list[Path]:
    """The files of a table, in the order of their blocks. FormatError for a link: it may lead anywhere."""
    found = sorted(file for file in folder.rglob(f"*{PART}") if file.is_symlink() or file.is_file())
    for file in (folder, *found):
        if file.is_symlink():
            raise FormatError(f"{file}: a link; put the file itself there; nothing was imported")
    return found


def require_parts(connection: duckdb.DuckDBPyConnection, table: str, files: Sequence[Path]) -> int:
    """The rows of a table's files by their footers; FormatError for other columns or types than the table's."""
    wanted = portable(connection.table(table))
    kinds = dict(zip(wanted.columns, map(str, wanted.types), strict=True))
    rows = 0
    for file in files:
        with pq.ParquetFile(file) as opened:
            schema, rows = opened.schema_arrow, rows + opened.metadata.num_rows
        if sorted(schema.names) != sorted(kinds):
            raise FormatError(f"{file}: has columns {schema.names} instead of {list(kinds)}; nothing was imported")
        found = connection.from_arrow(schema.empty_table())
        for name, kind in zip(found.columns, map(str, found.types), strict=True):
            if kinds[name] not in {kind, _listed(kind)} and kind != _listed(kinds[name]):  # a catalogue has lists alone
                raise FormatError(f"{file}: column {name} is {kind} instead of {kinds[name]}; nothing was imported")
    return rows


def _listed(kind: str) -> str:
    """The type of lists for one of arrays: FLOAT[] for FLOAT[64]; others as they are."""
    return f"{kind.rpartition('[')[0]}[]" if kind.endswith("]") else kind


def checked_batches(file: Path) -> Iterator[pa.Table]:
    """The rows of a file, so many at a time.

    FormatError for a model_id that is missing, a number that is none, and a layer past those that an ingest keeps.
    """
    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(_ROWS):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                if name == "model_id" and column.null_count:
                    raise FormatError(f"{file}: rows without a model_id; nothing was imported")
                if name == "layer" and (highest := _highest(column)) > MOST_NUMBER:
                    raise FormatError(f"{file}: a layer {highest} is over the limit of {MOST_NUMBER}; nothing imported")
                if not _is_finite(column):
                    raise FormatError(f"{file}: column {name} holds values that are no numbers; nothing was imported")
            yield pa.Table.from_batches([batch])


def _highest(column: pa.Array) -> int:
    """The highest number of a column, 0 where it has none."""
    return int(column.drop_null().to_numpy(zero_copy_only=False).max(initial=0))


def _is_finite(column: pa.Array) -> bool:
    """Whether floats are finite, and those inside lists are there; true for columns of other types."""
    nested = False
    while pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type):
        column, nested = column.flatten(), True
    if not pa.types.is_floating(column.type):
        return True
    if nested and column.null_count:
        return False
    return bool(np.isfinite(column.drop_null().to_numpy(zero_copy_only=False)).all())
