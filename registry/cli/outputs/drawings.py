"""Formats of drawings, which only a result that is a graph has: DOT, Mermaid and Newick."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import IO

from .result import Result


def drawn(name: str) -> Callable[[Result, IO[str]], Iterable[str]]:
    """The lines of the drawing of that name; KeyError for a result that has none."""

    def lines(result: Result, stream: IO[str]) -> Iterable[str]:
        return result.drawings[name]()

    return lines
