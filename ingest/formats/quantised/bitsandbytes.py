"""bitsandbytes 4-bit: nf4 and fp4 codes of the flat weight, and the largest magnitude of every block of it.

`X.weight` U8 [n / 2, 1] holds two codes a byte, the high half first; `X.weight.quant_map` [16] is what codes mean;
`X.weight.absmax` has a value for every `blocksize` of the flat weight, F32, or after double quantisation U8 codes of
`nested_quant_map` [256] times `nested_absmax` plus an offset. Shape, block sizes and offset stand in the JSON of
`X.weight.quant_state.bitsandbytes__nf4` (or fp4), a U8 tensor of some hundred bytes. int8 is read by `scaled`.

Source: bitsandbytes `functional.py` (`QuantState`, `dequantize_4bit`, `dequantize_blockwise`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...storage.bounds import Bounds, BoundsOf, BoundValues, around
from ...storage.logical import LogicalTensor, RowMajor, runs
from ...storage.reader import Range
from .scheme import Decoded, Refused, Scheme, Stored, row_major, weight

Floats = NDArray[np.float32]
_KINDS = ("nf4", "fp4")
_LEAVES = ("absmax", "quant_map", "nested_absmax", "nested_quant_map")


@dataclass(frozen=True, slots=True)
class Nested:
    """Double quantisation: `absmax` is codes of `table`, times a value of `scales` for every `block`, plus `offset`."""

    table: RowMajor
    scales: RowMajor
    block: int
    offset: float


@dataclass(frozen=True, slots=True)
class FlatBlocks:
    """Rows of a matrix whose values were packed as one flat sequence, in blocks that know nothing of rows."""

    codes: RowMajor
    table: RowMajor
    absmax: RowMajor
    block: int
    columns: int
    nested: Nested | None

    def _spans(self, rows: Sequence[int]) -> list[tuple[int, int]]:
        """(first, end) of the flat values of each run of rows."""
        return [(first * self.columns, (first + count) * self.columns) for first, count in runs(rows)]

    def _parts(self, first: int, end: int) -> Iterator[tuple[RowMajor, int, int]]:
        """(storage, first, end) of what the flat values need, in values of the storage of one column."""
        blocks = first // self.block, -(-end // self.block)
        yield self.codes, first // 2, -(-end // 2)
        yield self.absmax, *blocks
        yield self.table, 0, 16
        if self.nested:
            yield self.nested.scales, blocks[0] // self.nested.block, -(-blocks[1] // self.nested.block)
            yield self.nested.table, 0, 256

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """For each run of rows: its codes, its blocks, and the tables."""
        return [
            found
            for span in self._spans(rows)
            for storage, first, end in self._parts(*span)
            for found in storage.ranges(range(first, end))
        ]

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), columns]."""
        found = [level * largest for level, largest, _, _ in self._spread(rows, chunks)]
        return np.concatenate(found).reshape(len(rows), self.columns)

    def bounds(self) -> Bounds:
        """Between which values those lay that were rounded: codes are the nearest ones."""
        return BoundsOf(self, self._bounds)

    def _bounds(self, rows: Sequence[int], chunks: Sequence[bytes]) -> BoundValues:
        """The bounds [len(rows), columns]: half of the way to the next levels, and what is lost of the magnitudes."""
        made = []
        for level, largest, error, table in self._spread(rows, chunks):
            order = np.unique(table)
            middle = (order[1:] + order[:-1]) / 2
            at = np.searchsorted(order, level)
            lowest = np.concatenate([order[:1], middle])[at]
            highest = np.concatenate([middle, order[-1:]])[at]
            with np.errstate(all="ignore"):
                off = np.maximum(np.abs(lowest), np.abs(highest)) * error
                made.append(
                    around(level * largest, (level - lowest) * largest + off, (highest - level) * largest + off)
                )
        return np.concatenate(made).reshape(len(rows), self.columns)

    def _spread(self, rows: Sequence[int], chunks: Sequence[bytes]) -> Iterator[tuple[Floats, Floats, Floats, Floats]]:
        """Of each run of rows: what codes mean, the largest magnitude of their blocks, its error, and the table."""
        left = iter(chunks)
        for first, end in self._spans(rows):
            codes = np.frombuffer(next(left), np.uint8)
            parts = [
                storage.decode(range(begin, stop), [next(left)])[:, 0]
                for storage, begin, stop in list(self._parts(first, end))[1:]
            ]
            yield self._values(first, end, codes, *parts)

    def _values(
        self,
        first: int,
        end: int,
        codes: NDArray[np.uint8],
        absmax: Floats,
        table: Floats,
        scales: Floats | None = None,
        meaning: Floats | None = None,
    ) -> tuple[Floats, Floats, Floats, Floats]:
        block, error = first // self.block, np.zeros_like(absmax)
        with np.errstate(all="ignore"):
            if self.nested and scales is not None and meaning is not None:
                own = (block + np.arange(len(absmax))) // self.nested.block - block // self.nested.block
                number, order = absmax.astype(np.uint8), np.sort(meaning)
                gaps = np.diff(order, prepend=order[:1], append=order[-1:])
                at = np.searchsorted(order, meaning[number])
                widest = np.maximum(gaps[at], gaps[at + 1]) / 2
                error = (widest * np.abs(scales[own])).astype(np.float32)
                absmax = meaning[number] * scales[own] + np.float32(self.nested.offset)
            values = table[np.stack((codes >> 4, codes & 15), axis=1).ravel()][first % 2 :][: end - first]
            place = np.arange(first, end) // self.block - block
            return values, absmax[place], error[place], table


def _read(tensor: LogicalTensor, stored: Stored) -> Decoded | Refused | None:
    name = tensor.name
    states = [f"{name}.quant_state.bitsandbytes__{kind}" for kind in _KINDS]
    state = next((s for s in states if s in stored.by_name), None)
    codes, absmax = stored.get(name, {"U8"}), stored.get(f"{name}.absmax", {"F32", "U8"}, 1)
    if codes is None or absmax is None:
        return None
    used = stored.present([name, *states, *(f"{name}.{leaf}" for leaf in _LEAVES)])
    table = stored.get(f"{name}.quant_map", {"F32", "F16", "BF16"}, 1)
    about = _about(stored.small.get(state or "", b""))
    shape, block = about.get("shape"), _count(about, "blocksize")
    if state is None or table is None or table.shape != (16,) or not block or not isinstance(shape, list):
        return Refused(codes.parameters * 2, "its quant_state does not say shape and blocks", used)
    sizes = tuple(n for n in shape if type(n) is int and 0 < n < 1 << 40)
    total = math.prod(sizes)
    if (
        not 1 < len(sizes) == len(shape) < 5
        or codes.parameters != -(-total // 2)
        or absmax.shape != (-(-total // block),)
    ):
        what = f"{codes.parameters} bytes of codes and {absmax.parameters} blocks do not fit what quant_state says"
        return Refused(codes.parameters * 2, what, used)
    nested = _nested(name, absmax, about, stored)
    if nested is None and absmax.dtype == "U8":
        return Refused(total, "its nested_absmax and nested_quant_map do not fit", used)
    storage = FlatBlocks(
        row_major(codes, columns=1), row_major(table, columns=1), row_major(absmax, columns=1), block,
        total // sizes[0], nested,
    )  # fmt: skip
    stem = name.removesuffix(".weight")
    return Decoded(weight(stem, state.rpartition("__")[2].upper(), sizes, storage), used)


def _about(data: bytes) -> dict[str, object]:
    """The JSON of a quant_state; empty when it is none."""
    try:
        found: object = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _count(about: dict[str, object], key: str) -> int:
    found = about.get(key)
    return found if type(found) is int and 0 < found < 1 << 31 else 0


def _nested(name: str, absmax: LogicalTensor, about: dict[str, object], stored: Stored) -> Nested | None:
    """The second quantisation; None where there is none, or it does not fit."""
    scales = stored.get(f"{name}.nested_absmax", {"F32"}, 1)
    table = stored.get(f"{name}.nested_quant_map", {"F32"}, 1)
    block, offset = _count(about, "nested_blocksize"), about.get("nested_offset")
    if absmax.dtype != "U8" or scales is None or table is None or not isinstance(offset, float | int) or not block:
        return None
    if table.shape != (256,) or scales.shape != (-(-absmax.parameters // block),) or not abs(offset) < 1e30:
        return None
    return Nested(row_major(table, columns=1), row_major(scales, columns=1), block, float(offset))


BITSANDBYTES = Scheme("bitsandbytes 4-bit", r"\.weight", _read)
