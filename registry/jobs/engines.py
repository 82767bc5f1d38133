"""Where work is done: in this process, in several, or on a Ray cluster. The same function, the same results in order.

The module is light: a new process sets its threads before it loads numpy.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from types import ModuleType

Item = TypeVar("Item")
Found = TypeVar("Found")
Ready = TypeVar("Ready")

AHEAD = 2
"""Items that wait for each worker: while they are computed the next ones are read."""
RAY_TRIES = 5
"""Times that Ray starts an item again whose worker was lost."""


class Engine(Protocol):
    """Does `work`, an importable function or a `functools.partial` of one, for every item."""

    def map(self, work: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[tuple[Item, Found]]:
        """Every item with what `work` returned of it, in order. Its first exception ends the iteration.

        Only a few items a worker are taken ahead, so `items` may be a generator that reads as it goes.
        """
        ...


class Here:
    """The calling process alone."""

    def map(self, work: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[tuple[Item, Found]]:
        """One item after another."""
        for item in items:
            yield item, work(item)


class Processes:
    """`jobs` processes of this machine, one thread of numpy each."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def map(self, work: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[tuple[Item, Found]]:
        """As Engine. A worker that dies ends the iteration with BrokenProcessPool."""
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self._jobs, mp_context=context, initializer=_settle) as pool:
            try:
                yield from _in_order(
                    items, lambda item: pool.submit(work, item), lambda future: future.result(), self._jobs
                )
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


class RayCluster:
    """The cluster that $RAY_ADDRESS names, else one of this machine; needs the extra `forebear[ray]` on every node.

    A worker that is lost, with its node or alone, is replaced, and its item computed again. Raises ImportError where
    Ray is not installed.
    """

    def __init__(self) -> None:
        self._ray: ModuleType = importlib.import_module("ray")

    def map(self, work: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[tuple[Item, Found]]:
        """As Engine. Raises ray.exceptions.RayError for an item whose workers died RAY_TRIES times."""
        ray = self._ray
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        mine = not ray.is_initialized()
        if mine:
            ray.init(address=os.environ.get("RAY_ADDRESS"), include_dashboard=False, log_to_driver=False)
        try:
            # What `work` itself raises is an answer, and it is not done again; only a lost worker is.
            remote = ray.remote(max_retries=RAY_TRIES)(_one_thread)
            shared = ray.put(work)
            workers = int(ray.cluster_resources().get("CPU", 1))
            yield from _in_order(items, lambda item: remote.remote(shared, item), ray.get, workers)
        finally:
            if mine:
                with suppress(ray.exceptions.RayError):
                    ray.shutdown()


def _one_thread(work: Callable[[Item], Found], item: Item) -> Found:
    """Ray's own default is one thread a task, through OMP_NUM_THREADS; the function is what a worker imports."""
    return work(item)


def _in_order(
    items: Iterable[Item], begin: Callable[[Item], Ready], end: Callable[[Ready], Found], workers: int
) -> Iterator[tuple[Item, Found]]:
    """Items begun a few ahead and ended in their order."""
    coming = iter(items)
    waiting: deque[tuple[Item, Ready]] = deque()
    while True:
        waiting.extend((item, begin(item)) for item in islice(coming, workers * AHEAD - len(waiting)))
        if not waiting:
            return
        item, ready = waiting.popleft()
        yield item, end(ready)


def _settle() -> None:
    """One thread a process, and an end when the process that began it ends, however it does."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
