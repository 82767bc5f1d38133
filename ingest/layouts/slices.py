"""Files that each hold a slice of every tensor, as Meta publishes large models (`consolidated.00.pth`, `.01`, ...).

Slices of one tensor are one matrix again: along the rows, along the columns, or one of several equal copies.

| tensor                                    | cut along                                                          |
| `wq`, `wk`, `wv`, `w1`, `w3`, `output`    | rows (ColumnParallelLinear holds a part of the outputs)            |
| `wo`, `w2`                                | columns (RowParallelLinear holds a part of the inputs)             |
| `tok_embeddings`                          | columns in Llama 1 and 2, rows since Llama 3; the width says which |
| norms, `rope.freqs`, routers              | not at all                                                         |

Source: `llama/model.py` and `fairscale/nn/model_parallel/layers.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..storage.logical import LogicalTensor, Storage
from ..storage.reader import Range

MOST_SLICES = 64
SLICE = re.compile(r"(?:.*/)?consolidated\.(\d{2})\.\w+", re.ASCII | re.IGNORECASE)
"""How the files of slices are numbered: from 00, without their total."""
_ROWS = re.compile(r"(?:.*\.)?(?:wq|wk|wv|w1|w3|output)\.(?:weight|bias)")
_COLUMNS = re.compile(r"(?:.*\.)?(?:wo|w2)\.weight")
_EMBEDDING = re.compile(r"(?:.*\.)?tok_embeddings\.weight")


@dataclass(frozen=True, slots=True)
class RowSlices:
    """Matrices of equal height one below another."""

    slices: tuple[Storage, ...]
    height: int

    def _asked(self, rows: Sequence[int]) -> list[tuple[Storage, list[int]]]:
        found = [(s, [r - i * self.height for r in rows if r // self.height == i]) for i, s in enumerate(self.slices)]
        return [(storage, inside) for storage, inside in found if inside]

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of each slice that holds some of the rows."""
        return [r for storage, inside in self._asked(rows) for r in storage.ranges(inside)]

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), in]; `rows` must be ascending."""
        return np.concatenate(_decoded(self._asked(rows), chunks))


@dataclass(frozen=True, slots=True)
class ColumnSlices:
    """Matrices one beside another."""

    slices: tuple[Storage, ...]

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the rows in every slice."""
        return [r for storage in self.slices for r in storage.ranges(rows)]

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), in]; `rows` must be ascending."""
        return np.concatenate(_decoded([(s, list(rows)) for s in self.slices], chunks), axis=1)


def _decoded(asked: Sequence[tuple[Storage, list[int]]], chunks: Sequence[bytes]) -> list[NDArray[np.float32]]:
    made, at = [], 0
    for storage, rows in asked:
        count = len(storage.ranges(rows))
        made.append(storage.decode(rows, chunks[at : at + count]))
        at += count
    return made


def are_slices(files: Sequence[str]) -> bool:
    """Whether the files are slices of one model, by their names, none missing in between."""
    numbers = sorted(int(found[1]) for path in files if (found := SLICE.fullmatch(path)))
    return 1 < len(files) <= MOST_SLICES and numbers == list(range(len(files)))


def join_slices(parts: Sequence[Sequence[LogicalTensor]]) -> list[LogicalTensor]:
    """The tensors of all files, in the order of the files, each whole.

    What is not cut is that of the first file. Slices whose shapes differ are left as they are, once a file, for the
    caller to refuse.
    """
    width = next((t.shape[0] for t in parts[0] if t.name.endswith("norm.weight") and len(t.shape) == 1), 0)
    slices: dict[str, list[LogicalTensor]] = {}
    for part in parts:
        for tensor in part:
            slices.setdefault(tensor.name, []).append(tensor)
    return [whole for found in slices.values() for whole in _joined(found, len(parts), width)]


def _joined(found: list[LogicalTensor], parts: int, width: int) -> list[LogicalTensor]:
    first = found[0]
    if len(found) < parts or any(t.shape != first.shape or t.dtype != first.dtype for t in found):
        return found
    storages = tuple(t.storage for t in found)
    wide = len(first.shape) == 2
    by_rows = _ROWS.fullmatch(first.name) is not None
    by_columns = wide and _COLUMNS.fullmatch(first.name) is not None
    if wide and _EMBEDDING.fullmatch(first.name):
        by_rows, by_columns = first.shape[1] == width, first.shape[1] * parts == width
    if by_columns:
        shape = (first.shape[0], first.shape[1] * parts)
        return [replace(first, shape=shape, storage=ColumnSlices(storages))]
    if by_rows and wide:
        shape = (first.shape[0] * parts, first.shape[1])
        return [replace(first, shape=shape, storage=RowSlices(storages, max(1, first.shape[0])))]
    if by_rows and len(first.shape) == 1:
        return [replace(first, shape=(first.shape[0] * parts,), storage=ColumnSlices(storages))]
    return [first]
