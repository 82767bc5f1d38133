"""Codes of a few bits in bytes and words: along the rows of a matrix, or across them.

Codes follow one another as one stream of bits, the lowest first, whatever the width of the words: 3-bit GPTQ codes and
5-bit MLX codes lie in two words at times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...storage.logical import RowMajor, runs
from ...storage.reader import Range
from ...storage.views import WHOLE_ROW

_WORD = 4  # bytes


def codes_of(data: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.uint8]:
    """The first `count` codes of each row of bytes [rows, width], of at most 8 bits each."""
    if bits == 8:
        return data[:, :count]
    if 8 % bits == 0:
        shifts = np.arange(0, 8, bits, dtype=np.uint8)
        return (data[:, :, None] >> shifts & (1 << bits) - 1).reshape(len(data), -1)[:, :count].astype(np.uint8)
    single = np.unpackbits(data, axis=1, count=count * bits, bitorder="little").reshape(len(data), count, bits)
    return np.packbits(single, axis=2, bitorder="little")[:, :, 0]


@dataclass(frozen=True, slots=True)
class PackedRows:
    """Codes [out, columns] packed along each stored row."""

    stored: RowMajor
    bits: int
    columns: int

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the stored rows."""
        return self.stored.ranges(rows)

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The codes [len(rows), columns]."""
        data = np.frombuffer(b"".join(chunks), np.uint8).reshape(len(rows), -1)
        return codes_of(data, self.bits, self.columns).astype(np.float32)


@dataclass(frozen=True, slots=True)
class WordColumns:
    """Columns of a matrix of 32-bit words [height, width], from `offset` of `file` on."""

    file: str
    offset: int
    height: int
    width: int

    @property
    def whole(self) -> bool:
        """Whether stored rows are so short that everything is one range (as for `views.Transposed`)."""
        return self.width * _WORD <= WHOLE_ROW

    def cost(self, words: int) -> int:
        """Bytes that `words` neighbouring columns take."""
        return self.height * _WORD * (self.width if self.whole else words)

    def ranges(self, columns: Sequence[int]) -> list[Range]:
        """One range of everything, or one a stored row and run of neighbouring columns, which must ascend."""
        stride = self.width * _WORD
        if self.whole:
            return [Range(self.file, self.offset, self.height * stride)]
        pieces = [(self.offset + first * _WORD, count * _WORD) for first, count in runs(columns)]
        return [Range(self.file, at + i * stride, length) for i in range(self.height) for at, length in pieces]

    def take(self, columns: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.uint32]:
        """The words [height, len(columns)]."""
        found = np.frombuffer(b"".join(chunks), "<u4").reshape(self.height, -1)
        return found[:, list(columns)] if self.whole else found


@dataclass(frozen=True, slots=True)
class PackedDown:
    """Codes [out, columns] whose stored words hold neighbours of one output: GPTQ's [columns x bits / 32, out]."""

    words: WordColumns
    bits: int
    columns: int

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the columns of words."""
        return self.words.ranges(rows)

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The codes [len(rows), columns]; `rows` must ascend."""
        data = np.ascontiguousarray(self.words.take(rows, chunks).T).view(np.uint8)
        return codes_of(data, self.bits, self.columns).astype(np.float32)


@dataclass(frozen=True, slots=True)
class PackedAcross:
    """Codes [out, height] stored as [height, out] with neighbouring outputs in one word.

    `order[i]` is the place in its word of the i-th output of each word (empty: one after another). `add` is added to
    every code, modulo the range of codes.
    """

    words: WordColumns
    bits: int
    order: tuple[int, ...] = ()
    add: int = 0

    def _places(self, rows: Sequence[int]) -> NDArray[np.int64]:
        """The first bit of each row's code in a stored row."""
        wanted = np.asarray(rows, np.int64)
        if not self.order:
            return wanted * self.bits
        word, inside = np.divmod(wanted, len(self.order))
        return word * 32 + np.array(self.order)[inside] * self.bits

    def _columns(self, rows: Sequence[int]) -> list[int]:
        first = self._places(rows)
        return np.unique(np.concatenate((first // 32, (first + self.bits - 1) // 32))).tolist()

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the columns of words."""
        return self.words.ranges(self._columns(rows))

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The codes [len(rows), height]."""
        columns, first = self._columns(rows), self._places(rows)
        words = self.words.take(columns, chunks).astype(np.uint64)
        low, high = (np.searchsorted(columns, at // 32) for at in (first, first + self.bits - 1))
        both = words[:, low] | words[:, high] << np.where(high > low, 32, 0).astype(np.uint64)
        codes = (both >> (first % 32).astype(np.uint64)) + np.uint64(self.add) & np.uint64((1 << self.bits) - 1)
        return np.ascontiguousarray(codes.T).astype(np.float32)


@dataclass(frozen=True, slots=True)
class PackedOver:
    """Codes [rows, columns] of which a stored row of 32-bit words holds those of 32 / bits neighbouring rows."""

    stored: RowMajor
    bits: int

    def _words(self, rows: Sequence[int]) -> NDArray[np.int64]:
        return np.asarray(rows, np.int64) // (32 // self.bits)

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the stored rows, once each."""
        return self.stored.ranges(np.unique(self._words(rows)).tolist())

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The codes [len(rows), columns]."""
        needed, place = np.unique(self._words(rows), return_inverse=True)
        words = np.frombuffer(b"".join(chunks), "<u4").reshape(len(needed), -1)[place]
        shifts = (np.asarray(rows, np.uint32) % np.uint32(32 // self.bits)) * np.uint32(self.bits)
        return (words >> shifts[:, None] & np.uint32((1 << self.bits) - 1)).astype(np.float32)
