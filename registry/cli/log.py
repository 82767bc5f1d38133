"""What `-v` and `-vv` show: the log of what is read, skipped and chosen and of how long it takes, on stderr.

The library logs to `forebear` and below, and sets nothing up: a program that uses it decides itself what it wants.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ...ingest.text import printable

_LONGEST = 4096
_PACKAGE = "forebear"


class _Handler(logging.Handler):
    """Writes to what stderr is at that moment: a progress bar puts lines above itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """A line of the room that speaks and what it says; control characters of names are escaped."""
        room = record.name.removeprefix(f"{_PACKAGE}.")
        print(printable(f"{room}: {record.getMessage()}", _LONGEST), file=sys.stderr)


@contextmanager
def logged(verbosity: int) -> Iterator[None]:
    """Show the log on stderr meanwhile: nothing for 0, INFO for 1, DEBUG for more."""
    if not verbosity:
        yield
        return
    logger, handler = logging.getLogger(_PACKAGE), _Handler()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
