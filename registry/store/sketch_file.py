"""Packed sketches in a file beside the registry, mapped into memory: a process that starts has them at once.

    bytes 0 to 65,535   FOREBEAR, the digest of what follows, its length, and JSON: names of components, the state of
                        the registry that the rows were last found equal to, place, type and shape of every array
    then                the words of both tables, block after block, and the other arrays, with the keys of names, each
                        from a multiple of 64

A file is written whole under another name and renamed; later only the state in its head is written over, which its
digest covers. What is not as it was written, is cut off, or comes from another version, counts as no file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import mmap
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import numpy as np
from numpy.typing import NDArray

from ...ingest.text import printable
from ...queries.search.names import Keys
from ...queries.search.packed import BLOCK, SIGN_PARTS, SKETCH_PARTS
from .file_state import State
from .name_keys import COLUMNS, NameKeys, read_name_keys
from .sketch_rows import KINDS, Packing, Unpackable, Words, packing_of, read_table

_log = logging.getLogger(__name__)
_MAGIC, _VERSION = b"FOREBEAR", 2
_HEAD, _ALIGNED = 65_536, 64
_WORDS = {"sketch": SKETCH_PARTS[-1].stop, "activation": SIGN_PARTS[-1].stop}


def sketch_file(registry: Path) -> Path:
    """Where the packed sketches of a registry file are."""
    return registry.with_name(registry.name + ".sketches")


@dataclass(frozen=True, slots=True)
class SketchFile:
    """What a file holds: packed rows whose words are mapped, and the state of the registry that they are from."""

    packing: Packing
    state: State


def open_sketch_file(registry: Path) -> SketchFile | None:
    """The packed sketches beside a registry, of whatever state of it; None where there is no file that can be used."""
    path = sketch_file(registry)
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return _opened(mapped)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        _log.info("%s: not used: %s", path, printable(str(error), 200))
        return None


def _opened(mapped: mmap.mmap) -> SketchFile:
    """Raises ValueError, and what reading a wrong head raises, for bytes that nobody wrote as they are."""
    head = _read_head(mapped[:_HEAD])
    names = tuple(head["names"])
    if head["version"] != _VERSION or head["duckdb"] != duckdb.__version__:
        raise ValueError("another version wrote it")
    arrays, words = {}, {}
    for name, (at, kind, shape) in head["placed"].items():
        found = np.frombuffer(mapped, kind, math.prod(shape), at).reshape(shape)
        table, _, column = name.partition(".")
        if column == "words":
            words[table] = found
        else:
            arrays[name] = found
    blocks = {table: list(_blocks(words[table], arrays[f"{table}.sizes"], _WORDS[table])) for table in KINDS}
    _require_whole(names, arrays)
    keys = NameKeys(Keys(arrays["names.key"], arrays["names.model"]), arrays["names.digest"])
    file, log = head["state"][:2], head["state"][2:]
    return SketchFile(replace(packing_of(names, arrays, blocks), names=keys), State(tuple(file), tuple(log)))


def _read_head(head: bytes) -> dict[str, Any]:
    size = int.from_bytes(head[24:32], "little")
    told = head[24 : 32 + size]
    if head[:8] != _MAGIC or hashlib.blake2b(told, digest_size=16).digest() != head[8:24]:
        raise ValueError("its head is not as it was written")
    found: dict[str, Any] = json.loads(told[8:])
    return found


def _blocks(words: Words, sizes: NDArray[np.int64], height: int) -> Iterator[Words]:
    if sizes.min(initial=1) < 1 or sizes.max(initial=1) > BLOCK or len(words) != height * sizes.sum():
        raise ValueError("its blocks have other sizes")
    ends = np.cumsum(sizes) * height
    for start, end in zip((ends - sizes * height).tolist(), ends.tolist(), strict=True):
        yield words[start:end].reshape(height, -1)


def _require_whole(names: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Numbers that point at what is there, and as many of each as there are rows."""
    for table, columns in KINDS.items():
        rows = int(arrays[f"{table}.sizes"].sum())
        kinds = {**columns, "digest": "u8"}
        if any(arrays[f"{table}.{c}"].shape != (rows,) or arrays[f"{table}.{c}"].dtype != k for c, k in kinds.items()):
            raise ValueError("its columns have other sizes")
        if arrays[f"{table}.component"].max(initial=0) >= max(1, len(names)):
            raise ValueError("it names components that it does not have")
    filled = arrays["sketch.filled"]
    if filled.dtype != np.float64 or filled.ndim != 2 or filled.shape[1] != 2:
        raise ValueError("its shares have another shape")
    if arrays["sketch.shape"].max(initial=0) >= max(1, len(filled)):
        raise ValueError("it names shares that it does not have")
    keys = {column: arrays[f"names.{column}"] for column in COLUMNS}
    if any(found.dtype != COLUMNS[column] or found.ndim != 1 for column, found in keys.items()) or (
        keys["key"].shape != keys["model"].shape
    ):
        raise ValueError("its keys of names have other sizes")


def note_state(registry: Path, state: State) -> None:
    """Note in the file's head that its rows are those of this state too.

    Raises OSError where that cannot be written, ValueError where the head is not as it was written.
    """
    with sketch_file(registry).open("r+b") as file:
        head = _read_head(file.read(_HEAD))
        os.pwrite(file.fileno(), _head(state, head["names"], head["placed"]), 0)


def write_sketch_file(connection: duckdb.DuckDBPyConnection, registry: Path, state: State) -> None:
    """Pack all rows of a registry, which is in `state`, into a new file beside it, a batch in memory at a time.

    Raises OSError where nothing can be written, Unpackable for rows that cannot be packed.
    """
    path = sketch_file(registry)
    descriptor, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.seek(_HEAD)
            placed, names = _written(connection, file)
            file.flush()
            head = _head(state, names, placed)
            if len(head) > _HEAD:
                raise Unpackable(f"{len(names)} names of components")
            os.pwrite(file.fileno(), head, 0)
            os.fsync(file.fileno())
        os.chmod(name, registry.stat().st_mode & 0o777)  # who may read the registry may read its sketches
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


_Placed = dict[str, tuple[int, str, tuple[int, ...]]]
"""Array -> its first byte, its type and its shape."""


def _written(connection: duckdb.DuckDBPyConnection, file: BinaryIO) -> tuple[_Placed, list[str]]:
    """Write words and arrays of both tables; where they are, and the names of components."""
    numbers: dict[str, int] = {}
    placed: _Placed = {}
    arrays: dict[str, NDArray[Any]] = {}
    for table in KINDS:
        sizes: list[int] = []
        at = _aligned(file)

        def keep(words: Words, sizes: list[int] = sizes) -> None:
            sizes.append(words.shape[1])
            file.write(words.data)

        arrays |= read_table(connection, table, keep, numbers)
        placed[f"{table}.words"] = at, "<u8", (sum(sizes) * _WORDS[table],)
        arrays[f"{table}.sizes"] = np.array(sizes, np.int64)
    names = read_name_keys(connection)
    for column, found in (("key", names.keys.key), ("model", names.keys.model), ("digest", names.digest)):
        arrays[f"names.{column}"] = found
    for name, array in arrays.items():
        placed[name] = _aligned(file), array.dtype.str, array.shape
        file.write(np.ascontiguousarray(array).data)
    return placed, list(numbers)


def _aligned(file: BinaryIO) -> int:
    file.write(bytes(-file.tell() % _ALIGNED))
    return file.tell()


def _head(state: State, names: Sequence[str], placed: _Placed) -> bytes:
    text = json.dumps(
        {
            "version": _VERSION,
            "duckdb": duckdb.__version__,  # digests of rows are its own
            "state": [*state.file, *state.log],
            "names": list(names),
            "placed": placed,
        }
    ).encode()
    told = len(text).to_bytes(8, "little") + text
    return _MAGIC + hashlib.blake2b(told, digest_size=16).digest() + told
