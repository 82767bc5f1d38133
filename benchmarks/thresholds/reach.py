"""Which thresholds a computation can have read: those that stand in functions which ran.

A threshold that stands in none of them cannot change what was computed, so nothing has to be computed again for it.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType


class Reach:
    """Collects names from the functions that are called; what is called in an inner block counts in the outer one."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)
        self._blocks: list[set[CodeType]] = []

    @contextmanager
    def collecting(self) -> Iterator[set[str]]:
        """A set that holds the names of the block after it has ended."""
        found: set[str] = set()
        self._blocks.append(set())
        if len(self._blocks) == 1:
            sys.setprofile(self._record)
        try:
            yield found
        finally:
            called = self._blocks.pop()
            if self._blocks:
                self._blocks[-1] |= called
            else:
                sys.setprofile(None)
            found.update(*(self._names.intersection(code.co_names) for code in called))

    def _record(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            self._blocks[-1].add(frame.f_code)
