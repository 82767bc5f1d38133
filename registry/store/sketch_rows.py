"""From the tables `sketch` and `activation_sketch` to packed rows, a batch at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...ingest.text import printable
from ...queries.search.packed import BLOCK, COLUMNS, GRAM, POSITIONS, SIGNS, Packed, Rows, Sketches, words_of
from ...queries.sql import statement
from .name_keys import NO_KEYS, NameKeys

Words = NDArray[np.uint64]
Keep = Callable[[Words], object]
"""Takes the words [words, m] of the next rows."""
Arrays = Mapping[str, NDArray[Any]]
"""What packed rows have beside their words, by the names in KINDS."""
KINDS = {
    "sketch": {"model": "u4", "component": "u2", "position_roles": "u1", "gram_roles": "u1", "shape": "u4"},
    "activation": {"model": "u4", "component": "u2"},
}
"""Table -> its columns [n], with their types. Each has a `digest` [n] too, which tells rows that changed."""
_PARTS = {
    "sketch": {"positions": POSITIONS, "gram": GRAM, "columns": COLUMNS},
    "activation": {"signs": SIGNS},
}
"""Table -> the columns of its bits, with the bytes of each."""
_STATEMENTS = {"sketch": "search/packed_sketches", "activation": "search/packed_activations"}
_LONGEST_NAME, _MOST_NAMES = 255, 1_000
"""Components have a dozen names; a registry with more of them, or longer ones, is left to SQL."""


class Unpackable(Exception):
    """Rows that no ingest writes: what they mean is left to SQL, which reads them as they are."""


@dataclass(frozen=True, slots=True)
class Packing:
    """Packed rows, and the digest of each row of both tables, by which a change of the registry is found.

    `names` are the keys of the registry's names where they were read too.
    """

    packed: Packed
    digests: Mapping[str, NDArray[np.uint64]]
    names: NameKeys = NO_KEYS


def read_packing(
    connection: duckdb.DuckDBPyConnection, models: Sequence[int] | None = None, names: Sequence[str] = ()
) -> Packing:
    """The rows of `models`, of all without them, in memory. Components in `names` are numbered first.

    Raises Unpackable.
    """
    words: dict[str, list[Words]] = {table: [] for table in KINDS}
    numbers = {name: number for number, name in enumerate(names)}
    arrays: dict[str, NDArray[Any]] = {}
    for table in KINDS:
        arrays |= read_table(connection, table, words[table].append, numbers, models)
    return packing_of(tuple(numbers), arrays, words)


def packing_of(names: tuple[str, ...], arrays: Arrays, words: Mapping[str, Sequence[Words]]) -> Packing:
    """Packed rows from their parts; `words` are the blocks of each table."""
    rows = {
        table: Rows(arrays[f"{table}.model"], arrays[f"{table}.component"], names, tuple(words[table]))
        for table in KINDS
    }
    others = [arrays[f"sketch.{name}"] for name in ("position_roles", "gram_roles", "shape", "filled")]
    digests = {table: arrays[f"{table}.digest"] for table in KINDS}
    return Packing(Packed(Sketches(rows["sketch"], *others), rows["activation"]), digests)


def arrays_of(packing: Packing) -> Arrays:
    """What `packing_of` takes beside names and words."""
    sketches, activations = packing.packed.sketches, packing.packed.activations
    return {
        "sketch.model": sketches.rows.model,
        "sketch.component": sketches.rows.component,
        "sketch.position_roles": sketches.position_roles,
        "sketch.gram_roles": sketches.gram_roles,
        "sketch.shape": sketches.shape,
        "sketch.filled": sketches.filled,
        "activation.model": activations.model,
        "activation.component": activations.component,
        **{f"{table}.digest": digest for table, digest in packing.digests.items()},
    }


def read_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    keep: Keep,
    numbers: dict[str, int],
    models: Sequence[int] | None = None,
) -> dict[str, NDArray[Any]]:
    """The arrays of a table, its words handed to `keep` block by block. New components are added to `numbers`.

    Raises Unpackable.
    """
    question = connection.sql(statement(_STATEMENTS[table]), params={"models": models})
    columns: dict[str, list[NDArray[Any]]] = defaultdict(list)
    for batch in question.to_arrow_reader(BLOCK):
        keep(words_of([_bytes(batch.column(name), width) for name, width in _PARTS[table].items()]))
        columns["model"].append(_plain(batch.column("model_id")))
        columns["component"].append(_numbered(batch.column("component"), numbers))
        columns["digest"].append(_plain(batch.column("digest")))
        if table == "sketch":
            columns["position_roles"].append(_plain(batch.column("position_roles")))
            columns["gram_roles"].append(_plain(batch.column("gram_roles")))
            columns["filled"].append(np.stack([_plain(batch.column(f"{r}_filled")) for r in ("o", "down")], axis=1))
    filled = columns.pop("filled", [np.empty((0, 2), np.float32)])
    kinds = {**KINDS[table], "digest": "u8"}
    found = {f"{table}.{name}": _joined(columns[name], kinds[name]) for name in kinds if name != "shape"}
    if table == "sketch":
        found["sketch.filled"], found["sketch.shape"] = _shapes(np.concatenate(filled))
    return found


def _joined(parts: Sequence[NDArray[Any]], kind: str) -> NDArray[Any]:
    return np.concatenate([np.empty(0, kind), *parts]).astype(kind, copy=False)


def _shapes(filled: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.uint32]]:
    """The different pairs of shares [m, 2], and the number [n] of each row's pair."""
    if not np.isfinite(filled).all():
        raise Unpackable("shares of codes that are no numbers")
    pairs, numbers = np.unique(np.ascontiguousarray(filled).view("u8").reshape(-1), return_inverse=True)
    return pairs.view(np.float32).reshape(-1, 2).astype(np.float64), numbers.astype(np.uint32)


def _plain(column: pa.Array) -> NDArray[Any]:
    if column.null_count:
        raise Unpackable("sketches with NULLs")
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values


def _bytes(column: pa.Array, width: int) -> NDArray[np.uint8]:
    """The bytes [n, width] of a column of them."""
    if column.null_count:
        raise Unpackable("sketches with NULLs")
    _, ends, values = column.buffers()
    kind = np.int64 if pa.types.is_large_binary(column.type) else np.int32
    at = np.frombuffer(ends, kind)[column.offset : column.offset + len(column) + 1]
    if (np.diff(at) != width).any():
        raise Unpackable(f"sketches of other lengths than {width} bytes")
    return np.frombuffer(values, np.uint8, len(column) * width, at[0] if len(at) else 0).reshape(-1, width)


def _numbered(column: pa.Array, numbers: dict[str, int]) -> NDArray[np.uint16]:
    """The numbers of components, new ones added to `numbers`."""
    _plain(column) if column.null_count else None
    coded = column.dictionary_encode()
    for name in coded.dictionary.to_pylist():
        if len(name) > _LONGEST_NAME or (name not in numbers and len(numbers) >= _MOST_NAMES):
            raise Unpackable(f"components such as {printable(name, 40)!r}")
        numbers.setdefault(name, len(numbers))
    known = np.array([numbers[name] for name in coded.dictionary.to_pylist()], np.uint16)
    return known[coded.indices.to_numpy()] if len(known) else np.empty(0, np.uint16)
