"""Bounds on CPU that hold on a slow machine as on a fast one: in seconds of the machine that they were set on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

REFERENCE = 0.029
"""Seconds of CPU of `_loop` on the machine that bounds were set on, with nothing beside it."""


def _loop() -> float:
    began = time.process_time()
    table: dict[int, str] = {}
    for number in range(200_000):
        table[number % 1000] = str(number)
    return time.process_time() - began


def slowness() -> float:
    """How many times longer this machine takes at this moment for the same work; at least 1."""
    return max(1.0, median(_loop() for _ in range(9)) / REFERENCE)


@contextmanager
def cpu_at_most(seconds: float) -> Iterator[None]:
    """Fails where what is inside takes more CPU; a slower machine is given as much more as it is slower."""
    began = time.process_time()
    yield
    took = time.process_time() - began
    assert took < seconds or took < seconds * slowness()
