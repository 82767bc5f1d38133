"""A progress bar on stderr, on a terminal alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...ingest.text import printable
from ..reports.numbers import size

if TYPE_CHECKING:
    from rich.progress import TaskID

_NAME = 60


@contextmanager
def progress(total: int, *, quiet: bool) -> Iterator[Callable[[str, int], None]]:
    """A function to call with the name of each thing that is done, and the bytes read of it.

    The bar shows how many are done, the bytes of all, and their rate. Lines on stderr go above it.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda name, count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    told = TextColumn(
        "{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)
    )
    columns = (BarColumn(bar_width=16), MofNCompleteColumn(), TimeRemainingColumn(), told)
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, expand=True) as bar:
        began, read = time.monotonic(), 0
        task = bar.add_task("", total=total)

        def advance(name: str, count: int) -> None:
            nonlocal read
            read += count
            rate = read / max(time.monotonic() - began, 1e-3)
            shown = f"{size(read)}, {size(rate)}/s  {printable(name[-_NAME:])}"
            bar.update(task, advance=1, description=shown)

        yield advance


@contextmanager
def stages(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A function to call with the name of a stage of some work, how much of it is done, and how much there is."""
    if quiet or not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as bar:
        tasks: dict[str, TaskID] = {}

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(printable(stage), total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield advance
