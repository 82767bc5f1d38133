"""The plan carried out: ranges fetched in few, concurrent reads, and decoded to blocks of float32."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..plan import PlannedTensor, ReadPlan
from ..sources.source import Source
from ..storage.bounds import BoundValues, bounds_of
from ..storage.reader import Range, Reader, merge

Block = NDArray[np.float32]


class ReadTensor(NamedTuple):
    """A planned tensor, its rows [rows, in], and their `bounds` [rows, in] where a format says them."""

    planned: PlannedTensor
    block: Block
    bounds: BoundValues | None


def read_plan(plan: ReadPlan, source: Source, *, bounds: bool = False) -> Iterator[list[ReadTensor]]:
    """Batch by batch, every planned tensor with its rows as float32 [rows, in]; the next batch is read meanwhile.

    With `bounds` also those of quantised values.

    Memory is bounded by two batches. Raises SourceError when a read fails.
    """
    with ExitStack() as stack:
        readers: dict[str, Reader] = {}
        for file in sorted({r.file for batch in plan.batches for t in batch for r in t.ranges}):
            readers[file] = source.open(file)
            stack.callback(readers[file].close)
        pool = stack.enter_context(ThreadPoolExecutor(max(1, source.connections), "range"))
        ahead = stack.enter_context(ThreadPoolExecutor(1, "batch"))
        # left early (an error, Ctrl-C): reads that have not begun never do
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        pending = [ahead.submit(_fetch, _ranges(batch), readers, source.gap, pool) for batch in plan.batches[:1]]
        for number, batch in enumerate(plan.batches):
            spans = pending.pop().result()
            if number + 1 < len(plan.batches):
                pending.append(ahead.submit(_fetch, _ranges(plan.batches[number + 1]), readers, source.gap, pool))
            yield [ReadTensor(t, _decode(t, spans), _bounds(t, spans) if bounds else None) for t in batch]


def read_ranges(ranges: Sequence[Range], source: Source) -> list[bytes]:
    """The bytes of a few small ranges, in their order, from merged reads. Raises SourceError when a read fails."""
    with ExitStack() as stack:
        readers: dict[str, Reader] = {}
        for file in sorted({r.file for r in ranges}):
            readers[file] = source.open(file)
            stack.callback(readers[file].close)
        pool = stack.enter_context(ThreadPoolExecutor(max(1, source.connections), "range"))
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        cut = _fetch(ranges, readers, source.gap, pool)
    return [cut[r] for r in ranges]


def _fetch(
    ranges: Iterable[Range], readers: dict[str, Reader], gap: int, pool: ThreadPoolExecutor
) -> dict[Range, bytes]:
    """The bytes of every range, from merged reads."""
    wanted = sorted(set(ranges))
    spans = merge(wanted, gap)
    data = pool.map(lambda span: readers[span.file].read(span.offset, span.length), spans)
    cut: dict[Range, bytes] = {}
    pieces = iter(zip(spans, data, strict=True))
    span, content = next(pieces, (Range("", 0, 0), b""))
    for item in wanted:
        while item.file != span.file or item.end > span.end:
            span, content = next(pieces)
        cut[item] = content[item.offset - span.offset : item.end - span.offset]
    return cut


def _ranges(batch: Iterable[PlannedTensor]) -> list[Range]:
    return [r for tensor in batch for r in tensor.ranges]


def _decode(tensor: PlannedTensor, cut: dict[Range, bytes]) -> Block:
    if not tensor.rows:
        return np.empty((0, 0), np.float32)  # a tensor without elements may claim columns past any array's limit
    return tensor.named.tensor.storage.decode(tensor.rows, [cut[r] for r in tensor.ranges])


def _bounds(tensor: PlannedTensor, cut: dict[Range, bytes]) -> BoundValues | None:
    """Between which values those of a matrix lay that were rounded; of rows of tokens it is not kept."""
    bounds = bounds_of(tensor.named.tensor.storage) if _is_matrix(tensor) else None
    return None if bounds is None else bounds.decode(tensor.rows, [cut[r] for r in tensor.ranges])


def has_bounds(tensor: PlannedTensor) -> bool:
    """Whether a format says between which values those of a planned tensor lay that were rounded."""
    return _is_matrix(tensor) and bounds_of(tensor.named.tensor.storage) is not None


def _is_matrix(tensor: PlannedTensor) -> bool:
    return bool(tensor.rows) and tensor.keys is None and len(tensor.named.tensor.shape) > 1
