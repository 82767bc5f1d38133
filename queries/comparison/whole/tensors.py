"""Whole tensors of a model, front to back in blocks of float32: bounded memory, one pass, digests on the way.

Digests are SHA-256 (hashlib's uses the processor's SHA instructions and lets other threads run).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....ingest.checkpoint import open_checkpoint
from ....ingest.metadata.tokenizer import Tokenizer
from ....ingest.names.naming import NamedTensor
from ....ingest.sources.source import Source
from ....ingest.storage.logical import LogicalTensor, RowMajor, Storage
from ....ingest.storage.reader import Range, Reader, merge
from ....ingest.storage.skipped import SkippedTensor
from ....ingest.text import printable

Block = NDArray[np.float32]

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
    """An opened model: its tensors with their places, its tokenizer, and what cannot be read."""

    source: Source
    named: tuple[NamedTensor, ...]
    tokenizer: Tokenizer | None
    skipped: tuple[SkippedTensor, ...]
    readers: dict[str, Reader]
    pool: ThreadPoolExecutor
    """Reads in flight: several for a repository, one for a local file."""


@contextmanager
def whole_model(source: Source) -> Iterator[WholeModel]:
    """The model at `source`, its files open until the block ends; NothingToRead, SourceError or FormatError."""
    found = open_checkpoint(source)
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(max(1, source.connections), "range"))
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        readers: dict[str, Reader] = {}
        for path in sorted({r.file for n in found.named if n.tensor.parameters for r in n.tensor.storage.ranges([0])}):
            readers[path] = source.open(path)
            stack.callback(readers[path].close)
        yield WholeModel(
            source=source,
            named=found.named,
            tokenizer=found.tokenizer,
            skipped=found.skipped,
            readers=readers,
            pool=pool,
        )


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
        self._ahead = min(_MOST_AHEAD, max(_AHEAD, model.source.connections))
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
        if self._shared and self._bytes is not None and not all(map(_canonical, chunks)):
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
        spans = merge(ranges, self._model.source.gap, MOST_AT_ONCE)
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


@dataclass(frozen=True, slots=True)
class TensorDigest:
    """SHA-256 of a tensor, in hexadecimal.

    `values` is that of the shape and the float32 values with one zero and one NaN: equal for copies of any dtype,
    layout or format that kept every value. `bytes` is that of the stored bytes; None where the file keeps the tensor in
    pieces, packed or in another order.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    values: str
    bytes: str | None


def _canonical(chunk: bytes) -> bool:
    """Whether bfloat16 values hold neither a negative zero nor NaN, which the digest of values spells in one way."""
    halves = np.frombuffer(chunk, "<u2")
    magnitudes = halves & np.uint16(0x7FFF)
    return not (halves == 0x8000).any() and int(magnitudes.max(initial=0)) <= 0x7F80


class ValueDigest:
    """SHA-256 of float32 values, independent of how they are cut into blocks.

    The upper and the lower 16 bits are digested apart: values that came from bfloat16 have no lower ones.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._upper, self._lower = hashlib.sha256(), hashlib.sha256()
        self._zeros = 0
        self._any_lower = False

    def adopt(self, upper: hashlib._Hash, count: int) -> None:
        """Begin with the digest of the upper halves of `count` values whose lower halves are 0."""
        self._upper, self._zeros = upper.copy(), 2 * count

    def update(self, block: Block) -> None:
        """The next values, in order."""
        values = np.ascontiguousarray(block, "<f4") + np.float32(0)
        missing = np.isnan(values)
        if missing.any():
            values[missing] = np.nan  # one spelling: 0x7FC00000
        halves = values.reshape(-1).view("<u2")
        self._upper.update(np.ascontiguousarray(halves[1::2]).data)
        lower = np.ascontiguousarray(halves[::2])
        if lower.any():
            self._fill()
            self._lower.update(lower.data)
            self._any_lower = True
        else:
            self._zeros += lower.nbytes

    def _fill(self) -> None:
        while self._zeros:
            some = min(self._zeros, BLOCK)
            self._lower.update(bytes(some))
            self._zeros -= some

    def hexdigest(self) -> str:
        """The digest of the values so far."""
        whole = hashlib.sha256(str(self._shape).encode() + self._upper.digest())
        if self._any_lower:
            self._fill()
            whole.update(self._lower.digest())
        return whole.hexdigest()
