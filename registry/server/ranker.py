"""Rankings, comparisons and trees in a process of their own, so that pages do not wait for the interpreter.

A ranking computes for tenths of seconds and more. In a thread of the server it keeps the interpreter from the pages,
and where more processes want a core than there are, it keeps it even while it waits for one. In a process of a lower
priority it takes what pages leave. It opens the copy for each question: the file of a copy is written over once nobody
reads it, and the one who asks holds the copy until the answer is there.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from ..registry import Registry
from ..store.database import Place
from .endpoints import API, PAGES
from .parameters import Asked
from .site import Site
from .snapshot import Snapshot
from .view import Answer, Unusable, View

_NICE = 5
"""How much less than pages its work counts where cores are short: a third, by the weights of Linux."""
_ENDPOINTS = {one.path: one for one in (*PAGES, *API)}


class Ranker:
    """Answers a question at a time in another process, which begins with the first one and is replaced if it dies."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def close(self) -> None:
        """End the process; a computation in it goes to its end first."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=True, cancel_futures=True)
                self._pool = None

    def answer(self, snapshot: Snapshot, path: str, asked: Asked) -> Answer:
        """What the endpoint of that path answers from a copy, which the caller holds.

        Raises what the endpoint raises, and Unusable where the process died of the question.
        """
        pool = self._running()
        try:
            return pool.submit(_answer, self._site, snapshot.path, snapshot.registry.place, path, asked).result()
        except BrokenProcessPool as error:
            self._forget(pool)
            raise Unusable("the process that computed the answer was ended, as by a lack of memory") from error

    def _running(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_settle)
            return self._pool

    def _forget(self, pool: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is pool:
                self._pool = None
        pool.shutdown(wait=False)


def _settle() -> None:
    """In the process: behind the pages, and ended by the server alone, with which it ends also where that is killed."""
    os.nice(_NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _answer(site: Site, copy: Path, place: Place, path: str, asked: Asked) -> Answer:
    """In the process: one question to a copy, in whose messages it has the name of the registry."""
    with Registry(copy, read_only=True) as registry:
        registry.place = place
        view = View(registry, Snapshot.alone(copy, registry))
        return _ENDPOINTS[path].run(site, view, asked)
