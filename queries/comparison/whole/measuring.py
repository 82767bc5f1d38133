"""Two tensors measured while their blocks pass by, each handed on to what keeps a part of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ...statistics.whole_metrics import WholeMetrics
from .pairing import TensorPair

if TYPE_CHECKING:
    from ....ingest.reading.digest import Block
    from ....ingest.reading.paired import PairedReader, Streams


class Collector(Protocol):
    """Something that keeps a part of what is read."""

    def wants(self, pair: TensorPair) -> bool:
        """Whether the blocks of a pair are to be given to it; asked once, before the first of them."""
        ...

    def add(self, pair: TensorPair, side: int, start: int, block: Block) -> None:
        """A block [rows, in] of the first (side 0) or the second tensor, whose first row is number `start`."""
        ...


class Measuring:
    """Measures pairs, one after the other, in two threads, while the reader prepares the next blocks."""

    def __init__(self, reader: PairedReader, pool: ThreadPoolExecutor) -> None:
        self._reader, self._pool = reader, pool

    def measure(
        self,
        pair: TensorPair,
        streams: Streams,
        collectors: Sequence[Collector],
        advanced: Callable[[Streams], None],
    ) -> WholeMetrics | None:
        """Every block of both, to the collectors that want them; metrics where both have a value for a value.

        `advanced` is called after every step. Raises SourceError when a read fails.
        """
        measured = WholeMetrics() if pair.comparable and all(streams) else None
        wanted = [c for c in collectors if c.wants(pair)]
        starts = [0, 0]
        pending: list[Future[None]] = []
        for blocks in self._reader.blocks(streams):
            for future in pending:
                future.result()
            pending = []
            if measured is not None and blocks[0] is not None and blocks[1] is not None:
                pending = [self._pool.submit(half, blocks[0], blocks[1]) for half in (measured.add, measured.count)]
            for side, block in enumerate(blocks):
                if block is not None:
                    for collector in wanted:
                        collector.add(pair, side, starts[side], block)
                    starts[side] += len(block)
            advanced(streams)
        for future in pending:
            future.result()
        return measured


@contextmanager
def measuring(reader: PairedReader) -> Iterator[Measuring]:
    """What measures the blocks of a reader, with its two threads."""
    with ThreadPoolExecutor(2, "M") as pool:
        try:
            yield Measuring(reader, pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
