"""Batches over processes. The module is light: a new process sets its threads before it loads numpy."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...queries.audit_batch import Answers, Batch

_AHEAD = 2
"""Batches that wait for each process: while they are computed the next ones are read."""


def evaluated(batches: Iterable[Batch], *, jobs: int) -> Iterator[tuple[Batch, Answers]]:
    """Every batch with its answers, in order; `jobs` processes, or this one alone for 1."""
    from ...queries.audit_batch import evaluate

    if jobs <= 1:
        for batch in batches:
            yield batch, evaluate(batch)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_settle) as pool:
        waiting: deque[tuple[Batch, Future[Answers]]] = deque()
        coming = iter(batches)
        try:
            while True:
                for batch in islice(coming, jobs * _AHEAD - len(waiting)):
                    waiting.append((batch, pool.submit(evaluate, batch)))
                if not waiting:
                    return
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _settle() -> None:
    """One thread a process, and an end when the audit's own process ends, however it does."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
