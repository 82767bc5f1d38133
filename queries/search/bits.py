"""How near packed rows are to a query: bits apart for all of them, z for the few that may be among the nearest.

The formulas are those of the macros `signs_z`, `column_z` and `differing_share`, in the same order of operations on the
same 64-bit numbers, so that z is that of SQL to the last bit and ties are ties in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .packed import BLOCK, Rows

Ints = NDArray[np.int64]
Bits = NDArray[np.int16]
"""Numbers of bits: no part of a sketch has more than 1,792."""
Floats = NDArray[np.float64]
_ANY = 32_767
"""More bits than any row has."""


class BitsApart:
    """In how many bits rows differ from one query. It keeps its room, 4 MB, from one block of rows to the next.

    `query` are its words [words], `parts` what is counted for itself of them.
    """

    def __init__(self, query: NDArray[np.uint64], parts: Sequence[slice]) -> None:
        self._query, self._parts = query[:, None], parts
        self._differing = np.empty(len(query) * BLOCK, np.uint64)
        self._counts = np.empty(len(query) * BLOCK, np.uint8)

    def of(self, words: NDArray[np.uint64]) -> list[Bits]:
        """Bits [m] that differ, for each part, of rows `words` [words, m], m at most BLOCK."""
        differing = self._differing[: words.size].reshape(words.shape)
        counts = self._counts[: words.size].reshape(words.shape)
        np.bitwise_xor(words, self._query, out=differing)
        np.bitwise_count(differing, out=counts)
        return [_summed(counts[part]) for part in self._parts]


def _summed(counts: NDArray[np.uint8]) -> Bits:
    """The sums [m] of counts [words, m], each at most 64."""
    return np.add.reduce(counts, axis=0, dtype=np.int16)


def counted_bits(width: int, roles: int) -> Ints:
    """Bits that count [256] against a row of each mask of roles, for a query with the mask `roles`."""
    return np.array([width * (mask | roles).bit_count() for mask in range(256)], np.int64)


def signs_z(bits: Ints, apart: Bits) -> Floats:
    """The z [n] of `bits` [n] signs of which so many are apart: standard normal for unrelated models."""
    return np.asarray((bits - 2 * apart.astype(np.int64)) / np.sqrt(np.maximum(bits, 1).astype(np.float64)), np.float64)


def most_signs_apart(bits: Ints, least: float) -> Bits:
    """The most bits apart with which `signs_z` may reach `least`; up to one more, which z itself then tells."""
    return _most((bits - least * np.sqrt(np.maximum(bits, 1))) / 2)


def of_each(most: Bits, number: NDArray[np.unsignedinteger]) -> Bits:
    """The bound [m] of each row, whose `number` [m] says which of `most` is its own; [1] where all have the same."""
    first = number[:1]
    return most.take(first if (number == first).all() else number)


def _most(bits: Floats) -> Bits:
    return np.floor(bits + 1).clip(-1, _ANY).astype(np.int16)


@dataclass(frozen=True, slots=True)
class ColumnChance:
    """What chance alone gives column sets of sizes [m, 2] and those of a query: bits apart [m], and their deviation."""

    expected: Floats
    deviation: Floats

    @classmethod
    def of(cls, filled: Floats, query: tuple[float, float]) -> ColumnChance:
        """Of the shares of codes `filled` [m, 2] in the sets of `o` and of `down`."""
        o, down = (_differing(filled[:, role], query[role]) for role in (0, 1))
        variance = 128 * o * (9 - 8 * o) + 128 * down * (9 - 8 * down)
        return cls(256 * (o + down), np.sqrt(np.maximum(variance, 1)))

    def z(self, shape: NDArray[np.uint32], apart: Bits) -> Floats:
        """The z [n] of sets of sizes `shape` [n] that are so many bits apart."""
        return np.asarray((self.expected[shape] - apart) / self.deviation[shape], np.float64)

    def most_apart(self, least: float) -> Bits:
        """The most bits apart [m] with which z may reach `least`; up to one more."""
        return _most(self.expected - least * self.deviation)


def _differing(filled: Floats, other: float) -> Floats:
    """The share [m] of minima that differ between unrelated sets of such sizes."""
    some = np.maximum(filled, other) > 0
    either = filled + other - filled * other
    return np.where(some, 1 - filled * other / np.where(some, either, 1), 0.0)


@dataclass(slots=True)
class Nearest:
    """The rows that `ORDER BY z DESC, model_id, component LIMIT most` keeps of those with a z from `least` on.

    `least` rises to the z of the last of them, so that hardly any row of later blocks has to be offered.
    """

    rows: Rows
    most: int
    least: float
    index: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    z: Floats = field(default_factory=lambda: np.empty(0))

    def add(self, index: Ints, z: Floats) -> None:
        """Offer rows with their z; one that is NaN is never near."""
        good = z >= self.least
        if not good.any() or not self.most:
            return
        index, z = np.concatenate([self.index, index[good]]), np.concatenate([self.z, z[good]])
        order = self.rows.in_order(index, z)[: self.most]
        self.index, self.z = index[order], z[order]
        if len(order) == self.most:
            self.least = max(self.least, float(self.z[-1]))
