"""The scan over packed rows: exclusive or with the query, count bits, add them up, a block of rows after another.

Integers alone are compared for most rows. What may still be among the nearest is offered with its z, and each block
raises the z that the next ones need. Threads share the blocks of a large registry; numpy lets go of the interpreter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...ingest.fingerprint.activation_sketch import SKETCH_BITS
from ...ingest.fingerprint.gram import COSINES
from ...ingest.fingerprint.positions import MATRIX_VALUES
from ..data.query import QuerySketch
from .bits import Bits, BitsApart, ColumnChance, Floats, Ints, Nearest, counted_bits, most_signs_apart, of_each, signs_z
from .names import Names
from .packed import BLOCK, POSITIONS, SIGN_PARTS, SKETCH_PARTS, Packed, Place, Rows, Sketches, words_of_one
from .scan import Limits, Near

_WORTH_THREADS = 16
"""Blocks from which threads share a scan: 131,000 rows, 5 ms."""

Block = tuple[int, NDArray[np.uint64]]
"""The number of a block's first row, and its words [words, m]."""


@dataclass(frozen=True, slots=True)
class PackedScan:
    """A `Scan` of packed rows, by `threads` at once where there are many."""

    packed: Packed
    threads: int = 1
    names: Names | None = None

    def by_weights(self, own: int, sketch: QuerySketch, kind: str, limits: Limits) -> list[Near]:
        """See `Scan`."""
        query = _Weights.of(self.packed.sketches, own, sketch, kind)
        kept = self._kept(query.rows, partial(query.nearest, limits))
        index = np.unique(np.concatenate([one.index for one in kept]))
        if not len(index):
            return []
        z = query.z(index, query.apart(index))
        order = query.rows.in_order(index, np.fmax.reduce(z, axis=0))
        places = query.rows.places(index[order])
        return [(model, name, *row) for (model, name), row in zip(places, z[:, order].T.tolist(), strict=True)]

    def by_activations(self, own: int, signs: bytes, kind: str, most: int, least_z: float) -> list[Place]:
        """See `Scan`."""
        query = _Signs.of(self.packed.activations, own, signs, kind)
        (kept,) = self._kept(query.rows, partial(query.nearest, most, least_z))
        return query.rows.places(kept.index)

    def positions(self, places: Sequence[Place]) -> NDArray[np.uint8]:
        """See `Scan`."""
        rows = self.packed.sketches.rows
        words = rows.words(rows.find(places))[SKETCH_PARTS[0]]
        return np.ascontiguousarray(words.T).view(np.uint8).reshape(len(places), POSITIONS)

    def _kept(self, rows: Rows, work: Callable[[Sequence[Block]], list[Nearest]]) -> list[Nearest]:
        """What `work` keeps of all blocks."""
        blocks = list(zip(rows.starts.tolist(), rows.blocks, strict=False))
        if self.threads < 2 or len(blocks) < _WORTH_THREADS:
            return work(blocks)
        with ThreadPoolExecutor(self.threads) as pool:
            first, *others = pool.map(work, [blocks[i :: self.threads] for i in range(self.threads)])
        for other in others:
            for kept, more in zip(first, other, strict=True):
                kept.add(more.index, more.z)
        return first


@dataclass(frozen=True, slots=True)
class _Weights:
    """One component of a query against all rows of `sketch`."""

    sketches: Sketches
    own: int
    words: NDArray[np.uint64]
    of_kind: NDArray[np.bool_]
    position_bits: Ints
    gram_bits: Ints
    chance: ColumnChance

    @classmethod
    def of(cls, sketches: Sketches, own: int, sketch: QuerySketch, kind: str) -> _Weights:
        return cls(
            sketches,
            own,
            words_of_one(sketch.positions, sketch.gram, sketch.columns),
            sketches.rows.of_kind(kind),
            counted_bits(MATRIX_VALUES, sketch.position_roles),
            counted_bits(COSINES, sketch.gram_roles),
            ColumnChance.of(sketches.filled, (sketch.o_filled, sketch.down_filled)),
        )

    @property
    def rows(self) -> Rows:
        return self.sketches.rows

    def apart(self, index: Ints) -> list[Bits]:
        """Bits apart [3][n] of rows, by positions, gram and column sets."""
        counted, words = BitsApart(self.words, SKETCH_PARTS), self.rows.words(index)
        some = [counted.of(words[:, start : start + BLOCK]) for start in range(0, len(index), BLOCK)]
        return [np.concatenate(part) for part in zip(*some, strict=True)]

    def z(self, index: Ints, apart: Sequence[Bits]) -> Floats:
        """The z [3, n] of rows by positions, gram and column sets, from their bits apart [3][n]."""
        return np.stack(
            [
                signs_z(self.position_bits[self.sketches.position_roles[index]], apart[0]),
                signs_z(self.gram_bits[self.sketches.gram_roles[index]], apart[1]),
                self.chance.z(self.sketches.shape[index], apart[2]),
            ]
        )

    def _most_apart(self, positions: float, gram: float, columns: float) -> tuple[Bits, Bits, Bits]:
        """The most bits apart with which a row may reach these z, by mask of roles, and by shape of column sets."""
        return (
            most_signs_apart(self.position_bits, positions),
            most_signs_apart(self.gram_bits, gram),
            self.chance.most_apart(columns),
        )

    def nearest(self, limits: Limits, blocks: Sequence[Block]) -> list[Nearest]:
        """The nearest of some blocks whatever their z, and those from `least_z` on by each kind of evidence."""
        least = limits.least_z
        known, most = None, self._most_apart(-np.inf, least, least)
        few = Nearest(self.rows, limits.nearest, -np.inf)
        family = Nearest(self.rows, limits.family, least)
        gram = Nearest(self.rows, limits.most, least)
        columns = Nearest(self.rows, limits.fewest, least)
        counted = BitsApart(self.words, SKETCH_PARTS)
        for start, block in blocks:
            here = slice(start, start + block.shape[1])
            apart = counted.of(block)
            asked = min(few.least, family.least), gram.least, columns.least
            if asked != known:  # which hardly any block but the first ones changes
                known, most = asked, self._most_apart(*asked)
            near = apart[0] <= of_each(most[0], self.sketches.position_roles[here])
            near |= apart[1] <= of_each(most[1], self.sketches.gram_roles[here])
            near |= apart[2] <= of_each(most[2], self.sketches.shape[here])
            offered = np.flatnonzero(near)
            offered = offered[self.rows.others(offered + start, self.own, self.of_kind)]
            if not len(offered):
                continue
            index = offered + start
            positions, cosines, sets = self.z(index, [part[offered] for part in apart])
            far = positions < least
            few.add(index, positions)
            family.add(index, positions)
            gram.add(index[far], cosines[far])
            far &= cosines < least
            columns.add(index[far], sets[far])
        return [few, family, gram, columns]


@dataclass(frozen=True, slots=True)
class _Signs:
    """Signs of activations of a query against all rows of `activation_sketch`."""

    rows: Rows
    own: int
    words: NDArray[np.uint64]
    of_kind: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Rows, own: int, signs: bytes, kind: str) -> _Signs:
        return cls(rows, own, words_of_one(signs), rows.of_kind(kind))

    def nearest(self, most: int, least: float, blocks: Sequence[Block]) -> list[Nearest]:
        """The nearest of some blocks, as the only entry."""
        kept = Nearest(self.rows, most, least)
        bits = np.array([SKETCH_BITS])
        counted = BitsApart(self.words, SIGN_PARTS)
        for start, block in blocks:
            (apart,) = counted.of(block)
            offered = np.flatnonzero(apart <= most_signs_apart(bits, kept.least))
            offered = offered[self.rows.others(offered + start, self.own, self.of_kind)]
            if not len(offered):
                continue
            kept.add(offered + start, signs_z(bits, apart[offered]))
        return [kept]
