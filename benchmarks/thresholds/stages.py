"""Steps of an answer that are computed once for what they are given, and kept where a threshold cannot enter them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from .reach import Reach

Step = Callable[[Any], Any]


class Stage:
    """A function that a module calls by `name`: what it gave, by the key of what it was given.

    `reaches` are the thresholds that it can have read.
    """

    def __init__(self, module: ModuleType, name: str, key: Callable[[Any], Hashable], reach: Reach) -> None:
        self._module, self._name, self._key, self._reach = module, name, key, reach
        self._step: Step = getattr(module, name)
        self._kept: dict[Hashable, Any] = {}
        self.reaches: set[str] = set()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Inside, everything is computed, and kept."""

        def recorded(given: Any) -> Any:
            with self._reach.collecting() as reached:
                found = self._step(given)
            self._kept[self._key(given)] = found
            self.reaches |= reached
            return found

        with self._called(recorded):
            yield

    @contextmanager
    def again(self, *, kept: bool) -> Iterator[None]:
        """Inside, everything is computed once, or not at all where it is `kept`."""
        known = dict(self._kept) if kept else {}

        def once(given: Any) -> Any:
            if (key := self._key(given)) not in known:
                known[key] = self._step(given)
            return known[key]

        with self._called(once):
            yield

    @contextmanager
    def _called(self, step: Step) -> Iterator[None]:
        try:
            setattr(self._module, self._name, step)
            yield
        finally:
            setattr(self._module, self._name, self._step)
