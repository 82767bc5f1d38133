"""Bounds on CPU: what a hostile input may cost, whatever else the machine does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cpu_at_most(seconds: float) -> Iterator[None]:
    """Fails where what is inside takes more seconds of CPU of this process."""
    began = time.process_time()
    yield
    assert time.process_time() - began < seconds
