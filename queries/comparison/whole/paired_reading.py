"""Two tensors of a pair read at once, block by block, each decoded and digested in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Protocol

from ...statistics.whole_metrics import WholeMetrics, finite
from .pairing import TensorPair
from .tensors import Block, TensorStream

Streams = tuple[TensorStream | None, TensorStream | None]
"""One for each model; None for a tensor that is missing or cannot be read."""


class Collector(Protocol):
    """Something that keeps a part of what is read."""

    def wants(self, pair: TensorPair) -> bool:
        """Whether the blocks of a pair are to be given to it; asked once, before the first of them."""
        ...

    def add(self, pair: TensorPair, side: int, start: int, block: Block) -> None:
        """A block of the first (side 0) or the second tensor, whose first row is number `start`."""
        ...


class PairedReader:
    """Reads pairs, one after the other.

    A thread for each model decodes and digests the next block while two others measure the one before. Memory: three
    blocks of each tensor, and the reads ahead of them.
    """

    def __init__(self, sides: Sequence[ThreadPoolExecutor], measuring: ThreadPoolExecutor) -> None:
        self._sides, self._measuring = sides, measuring

    def read(
        self,
        pair: TensorPair,
        streams: Streams,
        collectors: Sequence[Collector],
        advanced: Callable[[Streams], None],
    ) -> WholeMetrics | None:
        """Every block of both, to the collectors that want them; metrics where both have a value for a value.

        Values that are no numbers are 0 in it. `advanced` is called after every step. Raises SourceError when a read
        fails.
        """
        measured = WholeMetrics() if pair.comparable and all(streams) else None
        wanted = [c for c in collectors if c.wants(pair)]
        starts = [0, 0]
        running = [w.submit(_next, s) if s else None for w, s in zip(self._sides, streams, strict=True)]
        pending: list[Future[None]] = []
        while any(running):
            got = [future.result() if future else None for future in running]
            running = [
                self._sides[side].submit(_next, stream) if stream and got[side] is not None else None
                for side, stream in enumerate(streams)
            ]
            for future in pending:
                future.result()
            pending = []
            if measured is not None and got[0] is not None and got[1] is not None:
                pending = [self._measuring.submit(half, got[0], got[1]) for half in (measured.add, measured.count)]
            for side, block in enumerate(got):
                if block is not None:
                    for collector in wanted:
                        collector.add(pair, side, starts[side], block)
                    starts[side] += len(block)
            advanced(streams)
        for future in pending:
            future.result()
        return measured


def _next(stream: TensorStream) -> Block | None:
    block = stream.advance()
    return None if block is None else finite(block)


@contextmanager
def paired_reader() -> Iterator[PairedReader]:
    """A reader with its threads; whatever ends the block, what they have not begun is dropped."""
    with ExitStack() as stack:
        pools = [stack.enter_context(ThreadPoolExecutor(count, name)) for count, name in ((1, "A"), (1, "B"), (2, "M"))]
        for pool in pools:
            stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        yield PairedReader(pools[:2], pools[2])
