"""Whole tensors of an opened model, front to back in blocks of float32: bounded memory, one pass, digests on the way.

What is here reads from files that are open already; `ingest.whole_model` opens them.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..metadata.tokenizer import Tokenizer
from ..names.naming import NamedTensor
from ..storage.logical import LogicalTensor, RowMajor, Storage
from ..storage.reader import Range, Reader, merge
from ..storage.skipped import SkippedTensor
from ..text import printable
from .digest import Block, TensorDigest, ValueDigest, canonical

BLOCK = 1 << 20
"""Values of a block: 4 MB decoded. What is in flight is a few of them for each model."""
MOST_AT_ONCE = 1 << 25
"""Values of a matrix that can only be read whole (stored as [in, out]), and of the longest row."""
MOST_BYTES = 1 << 62
_AHEAD = 2
_MOST_AHEAD = 8
_READ_TWICE = 2
_READS_A_ROW = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive rows of a storage, read and decoded at once."""

    storage: Storage
    rows: range


@dataclass(frozen=True, slots=True)
class WholeModel:
    """An opened model: its tensors with their places, its tokenizer, and what cannot be read.

    `pool` has the reads in flight, `connections` of them: several for a repository, one for a local file. `gap` is the
    number of bytes that are cheaper to read and drop than a second read is.
    """

    named: tuple[NamedTensor, ...]
    tokenizer: Tokenizer | None
    skipped: tuple[SkippedTensor, ...]
    readers: Mapping[str, Reader]
    pool: ThreadPoolExecutor
    connections: int
    gap: int
    gain_offset: float = 0.0
    """What the architecture adds to a stored norm gain."""

    def rows(self, tensor: LogicalTensor, rows: Sequence[int]) -> NDArray[np.float32]:
        """The given rows, in the order given, as float32 [len(rows), in] with 0 for what is no number.

        Raises SourceError when a read fails.
        """
        ascending, place = np.unique(np.asarray(rows, np.int64), return_inverse=True)
        ranges = tensor.storage.ranges(ascending.tolist())
        chunks = list(self.pool.map(lambda r: self.readers[r.file].read(r.offset, r.length), ranges))
        return np.nan_to_num(tensor.storage.decode(ascending.tolist(), chunks))[place]

    def stored_bytes(self, tensor: LogicalTensor) -> int:
        """The bytes that a stream of a tensor reads; 0 where it cannot be read whole."""
        found = pieces(tensor)
        return 0 if isinstance(found, str) else sum(r.length for p in found for r in p.storage.ranges(p.rows))

    def stream(self, tensor: LogicalTensor) -> TensorStream | str:
        """All rows of a tensor, block by block; or the reason why they cannot be read in bounded memory."""
        found = pieces(tensor)
        return found if isinstance(found, str) else TensorStream(self, tensor, found)


def pieces(tensor: LogicalTensor) -> list[Piece] | str:
    """How a tensor is read in blocks of BLOCK values; or the reason why it cannot be, in bounded memory.

    Plain tensors of very long rows (or of one, a vector) are cut inside their rows. A matrix stored as [in, out] is
    read whole, because each of its rows is spread over all of it.
    """
    rows, columns = tensor.matrix
    if not tensor.parameters:
        return []
    if columns > BLOCK and isinstance(tensor.storage, RowMajor):
        whole, rest = divmod(tensor.parameters, BLOCK)
        tail = tensor.storage.cut(whole * BLOCK, rest) if rest else None
        flat = tensor.storage.cut(0, BLOCK)
        if flat is None or (rest and tail is None):
            return "its rows share bytes"
        return [Piece(flat, range(i, i + 1)) for i in range(whole)] + ([Piece(tail, range(1))] if tail else [])
    step = max(1, BLOCK // columns)
    if step < rows and _spread(tensor.storage, step, rows):
        step = rows
    if step * columns > MOST_AT_ONCE and (step > 1 or columns > MOST_AT_ONCE):
        return f"{min(step, rows) * columns} values would have to be read at once, the limit is {MOST_AT_ONCE}"
    return [Piece(tensor.storage, range(i, min(rows, i + step))) for i in range(0, rows, step)]


def _spread(storage: Storage, step: int, rows: int) -> bool:
    """Whether reading `step` rows at a time takes many small reads, or the bytes of the matrix several times."""
    some = storage.ranges(range(step))
    if len(some) > _READS_A_ROW * step:
        return True
    total = sum(r.length for r in storage.ranges(range(rows)))
    return sum(r.length for r in some) * (rows // step) > _READ_TWICE * total


class TensorStream:
    """One tensor, block by block; digests of what has passed."""

    def __init__(self, model: WholeModel, tensor: LogicalTensor, found: Sequence[Piece]) -> None:
        self._model, self._tensor = model, tensor
        self._waiting = deque(found)
        self._reading: deque[tuple[Piece, Future[list[bytes]]]] = deque()
        self._ahead = min(_MOST_AHEAD, max(_AHEAD, model.connections))
        self._values = ValueDigest(tensor.shape)
        self._bytes = hashlib.sha256() if isinstance(tensor.storage, RowMajor) else None
        self._shared = self._bytes is not None and tensor.dtype == "BF16"
        self._seen = 0
        self.bytes_read = 0

    def advance(self) -> Block | None:
        """The next rows as float32 [rows, in], None at the end. Raises SourceError when a read fails."""
        while self._waiting and len(self._reading) < self._ahead:
            piece = self._waiting.popleft()
            self._reading.append((piece, self._model.pool.submit(self._read, piece)))
        if not self._reading:
            return None
        piece, future = self._reading.popleft()
        chunks = future.result()
        self.bytes_read += sum(map(len, chunks))
        block = piece.storage.decode(piece.rows, chunks)
        self._digest(chunks, block)
        return block

    def _digest(self, chunks: Sequence[bytes], block: Block) -> None:
        """Both digests; stored bfloat16 are the upper halves of the values, so one digest serves as long as it can."""
        if self._shared and self._bytes is not None and not all(map(canonical, chunks)):
            self._values.adopt(self._bytes, self._seen)
            self._shared = False
        self._seen += block.size
        if self._bytes is not None:
            for chunk in chunks:
                self._bytes.update(chunk)
        if not self._shared:
            self._values.update(block)

    def _read(self, piece: Piece) -> list[bytes]:
        """The bytes of a piece, range by range; neighbours are read at once."""
        readers, ranges = self._model.readers, piece.storage.ranges(piece.rows)
        if len(ranges) == 1:
            return [readers[r.file].read(r.offset, r.length) for r in ranges]
        spans = merge(ranges, self._model.gap, MOST_AT_ONCE)
        data = [readers[s.file].read(s.offset, s.length) for s in spans]
        found = []
        for item in ranges:
            i = bisect_right(spans, Range(item.file, item.offset, MOST_BYTES)) - 1
            at = item.offset - spans[i].offset
            found.append(data[i][at : at + item.length])
        return found

    def digest(self) -> TensorDigest:
        """The digests of the tensor, after its last block."""
        tensor = self._tensor
        if self._shared and self._bytes is not None:
            self._values.adopt(self._bytes, self._seen)
        return TensorDigest(
            name=printable(tensor.name),
            dtype=tensor.dtype,
            shape=tensor.shape,
            values=self._values.hexdigest(),
            bytes=self._bytes.hexdigest() if self._bytes is not None else None,
        )
