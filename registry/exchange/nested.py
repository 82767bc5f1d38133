"""Rows of several tables in one Parquet file: a row a model, a column a table, each value the list of the model's rows.

    parts/ab/ab12...parquet    up to 256 models: what is shown and searched by
    models/cd/cd34...parquet   one model: the rest of its fingerprint

Any engine reads them: `SELECT unnest(tensor, recursive := true) FROM 'models/*/*.parquet'`. A file's name is the
SHA-256 of its bytes.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...ingest.errors import FormatError

MOST_BYTES = 256 << 20
"""Of one file: the fingerprint of the largest model met has 20 MB, a part of 256 models 1 MB."""
_MOST_UNPACKED = 2 << 30
"""Bytes that a file may say it unpacks to."""


@dataclass(frozen=True, slots=True)
class Address:
    """A file by its content: `sha256` in hexadecimal digits, and its `bytes`."""

    sha256: str
    bytes: int

    def path(self, folder: str) -> str:
        """Where it lies below a place."""
        return f"{folder}/{self.sha256[:2]}/{self.sha256}.parquet"


def address_of(data: bytes) -> Address:
    """The address of some content."""
    return Address(hashlib.sha256(data).hexdigest(), len(data))


def nested(rows: Mapping[str, pa.Table], model_ids: Sequence[int], columns: Mapping[str, pa.Array]) -> bytes:
    """A Parquet file of the models `model_ids` (ascending): `columns` as they are, then each table of `rows` as lists.

    Rows of a table need a `model_id` and its order; the id itself is left out, as it means nothing elsewhere.
    """
    ids = np.array(model_ids, np.int64)
    arrays: dict[str, pa.Array] = dict(columns)
    for table, found in rows.items():
        mine = found["model_id"].to_numpy().astype(np.int64)
        offsets = np.searchsorted(mine, np.append(ids, ids[-1] + 1))
        kept = found.drop_columns(["model_id"]).combine_chunks()
        structs = pa.StructArray.from_arrays(
            [column.combine_chunks() if column.num_chunks != 1 else column.chunk(0) for column in kept.columns],
            names=kept.column_names,
        )
        arrays[table] = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs)
    out = io.BytesIO()
    pq.write_table(pa.table(arrays), out, compression="zstd", compression_level=6, use_dictionary=False)
    return out.getvalue()


def unnested(data: bytes, name: str) -> pa.Table:
    """The table in the bytes of a file. Raises FormatError for what is none, or unpacks to more than the limit."""
    try:
        with pq.ParquetFile(pa.BufferReader(data)) as opened:
            meta = opened.metadata
            unpacked = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
            if unpacked > _MOST_UNPACKED:
                raise FormatError(f"{name}: unpacks to {unpacked} bytes, the limit is {_MOST_UNPACKED}")
            return opened.read().combine_chunks()
    except (pa.ArrowException, OSError) as error:
        raise FormatError(f"{name}: is no Parquet file that forebear writes: {error}") from error


def rows_of(table: pa.Table, column: str, model_ids: Sequence[int], name: str) -> pa.Table:
    """The rows of a table that stand in a column, with the `model_id` of the model in whose row they stand.

    Raises FormatError for a column of another type than a list of records.
    """
    kind = table.schema.field(column).type
    if not (pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)):
        raise FormatError(f"{name}: column {column} is {kind} instead of a list of rows")
    lists = table[column].combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = pa.concat_arrays(lists.chunks) if lists.num_chunks else pa.array([], kind)
    if lists.null_count:
        raise FormatError(f"{name}: column {column} lacks the rows of {lists.null_count} models")
    structs = lists.flatten()
    if structs.null_count:
        raise FormatError(f"{name}: column {column} holds rows that are missing")
    ids = np.repeat(np.array(model_ids, np.uint32), np.diff(lists.offsets.to_numpy()))
    found = pa.Table.from_arrays(structs.flatten(), names=[field.name for field in structs.type])
    if "model_id" in found.column_names:
        raise FormatError(f"{name}: column {column} has a model_id of its own")
    return found.add_column(0, "model_id", pa.array(ids, pa.uint32()))
