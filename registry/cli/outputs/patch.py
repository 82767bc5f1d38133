"""A unified diff, as `git apply` and `patch -p1` take it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from .result import Result


def lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """The diff of the result; nothing where there is nothing to change."""
    yield result.patch
