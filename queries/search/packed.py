"""All sketches of a registry in one process, packed for a scan: bits of up to 8,192 rows side by side, 64 at a time.

    Rows            whose rows these are, and their bits by blocks
    Sketches        rows of the table `sketch`, with what else their z depends on
    Packed          these, and rows of `activation_sketch`

What reads them is `bits` and `scan`; what makes and keeps them is the registry's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ingest.fingerprint.activation_sketch import SKETCH_BYTES
from ..data.component import components_meet

Place = tuple[int, str]
"""A model's id and the name of a component of it."""

BLOCK = 8_192
"""Rows that are compared at once: their 54 words fill 3.5 MB, and fewer rows cost more calls (1,024: four times)."""
POSITIONS, GRAM, COLUMNS, SIGNS = 224, 75, 128, SKETCH_BYTES
"""Bytes of the parts of a sketch, and of one of activations."""
SKETCH_PARTS = (slice(0, 28), slice(28, 38), slice(38, 54))
"""Words of positions, of gram (five bytes of its last are 0) and of column sets."""
SIGN_PARTS = (slice(0, 16),)
GONE = 65_535
"""The number of a component in rows that the registry has no more."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Whose rows these are: `model` [n], the number of its component [n] in `names`, and bits by blocks.

    `blocks` are uint64 [words, m], m at most BLOCK; rows follow each other through them.
    """

    model: NDArray[np.uint32]
    component: NDArray[np.uint16]
    names: tuple[str, ...]
    blocks: tuple[NDArray[np.uint64], ...]

    def __len__(self) -> int:
        return len(self.model)

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first row of every block, and the number of rows."""
        return np.cumsum([0, *(block.shape[1] for block in self.blocks)], dtype=np.int64)

    def of_kind(self, kind: str) -> NDArray[np.bool_]:
        """Which component numbers [65,536] are compared with a component called `kind`."""
        found = np.zeros(GONE + 1, np.bool_)
        found[[number for number, name in enumerate(self.names) if components_meet(name, kind)]] = True
        return found

    def places(self, index: NDArray[np.int64]) -> list[Place]:
        """Model and component of rows."""
        numbers = self.component[index].tolist()
        return list(zip(self.model[index].tolist(), [self.names[n] for n in numbers], strict=True))

    def in_order(self, index: NDArray[np.int64], z: NDArray[np.float64]) -> NDArray[np.int64]:
        """The order of rows `index` by falling z, then by model and the name of the component."""
        rank = np.empty(len(self.names), np.int64)
        rank[sorted(range(len(self.names)), key=self.names.__getitem__)] = np.arange(len(self.names))
        return np.lexsort((rank[self.component[index]], self.model[index], -z))

    def find(self, places: Sequence[Place]) -> NDArray[np.int64]:
        """The rows of components; KeyError for one that is not there."""
        wanted = {model for model, _ in places}
        near = np.flatnonzero(np.isin(self.model, np.fromiter(wanted, np.uint32)))
        near = near[self.component[near] != GONE]
        rows = dict(zip(self.places(near), near.tolist(), strict=True))
        return np.array([rows[place] for place in places], np.int64)

    def others(self, index: NDArray[np.int64], own: int, numbers: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which of the rows `index` are of another model than `own`, and of one of the components `numbers`."""
        return np.asarray((self.model[index] != own) & numbers[self.component[index]])

    def words(self, index: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The words [words, n] of some rows."""
        starts = self.starts
        block = np.searchsorted(starts, index, side="right") - 1
        found = np.empty((self.blocks[0].shape[0] if self.blocks else 0, len(index)), np.uint64)
        for number in np.unique(block).tolist():
            here = block == number
            found[:, here] = self.blocks[number][:, index[here] - starts[number]]
        return found


@dataclass(frozen=True, slots=True)
class Sketches:
    """Rows of `sketch` with their masks of roles [n], and shares of codes.

    `shape` [n] numbers the rows of `filled` [m, 2], the shares of all codes in the column sets of `o` and `down`: as
    many as there are architectures. NaN stands for NULL.
    """

    rows: Rows
    position_roles: NDArray[np.uint8]
    gram_roles: NDArray[np.uint8]
    shape: NDArray[np.uint32]
    filled: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Packed:
    """All sketches of a registry; `activations` are the rows of `activation_sketch`."""

    sketches: Sketches
    activations: Rows


def words_of(parts: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint64]:
    """Bytes [n, bytes] of the parts of rows as words [words, n]; each part is filled up to whole words by 0."""
    filled = [np.pad(part, ((0, 0), (0, -part.shape[1] % 8))) for part in parts]
    return np.ascontiguousarray(np.concatenate(filled, axis=1).view(np.uint64).T)


def words_of_one(*parts: bytes) -> NDArray[np.uint64]:
    """The words [words] of one row."""
    return words_of([np.frombuffer(part, np.uint8)[None] for part in parts])[:, 0]
