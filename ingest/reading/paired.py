"""Two tensors read at once, block by block, each decoded and digested in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from .digest import Block
from .stream import TensorStream

Streams = tuple[TensorStream | None, TensorStream | None]
"""One for each model; None for a tensor that is missing or cannot be read."""
Blocks = tuple[Block | None, Block | None]
"""The next rows of each, float32 [rows, in]; None for a side that has ended or that there is none of."""


class PairedReader:
    """Reads pairs, one after the other.

    A thread for each model decodes and digests the next block, and applies `prepare` to it, while the caller measures
    the one before. Memory: three blocks of each tensor, and the reads ahead of them.
    """

    def __init__(self, sides: Sequence[ThreadPoolExecutor], prepare: Callable[[Block], Block]) -> None:
        self._sides, self._prepare = sides, prepare

    def blocks(self, streams: Streams) -> Iterator[Blocks]:
        """The blocks of both, step by step, until both have ended. Raises SourceError when a read fails."""
        running = [w.submit(self._next, s) if s else None for w, s in zip(self._sides, streams, strict=True)]
        while any(running):
            got = [future.result() if future else None for future in running]
            running = [
                self._sides[side].submit(self._next, stream) if stream and got[side] is not None else None
                for side, stream in enumerate(streams)
            ]
            yield got[0], got[1]

    def _next(self, stream: TensorStream) -> Block | None:
        block = stream.advance()
        return None if block is None else self._prepare(block)


@contextmanager
def paired_reader(prepare: Callable[[Block], Block]) -> Iterator[PairedReader]:
    """A reader with its threads; whatever ends the block, what they have not begun is dropped."""
    with ExitStack() as stack:
        pools = [stack.enter_context(ThreadPoolExecutor(1, name)) for name in "AB"]
        for pool in pools:
            stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        yield PairedReader(pools, prepare)
