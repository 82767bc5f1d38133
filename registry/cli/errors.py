"""What an exception means to a person: one message and one exit code, decided here alone."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from typing import Protocol, cast

import typer

from ...ingest.errors import ForebearError
from ...ingest.text import printable

_LONGEST = 4096
_MISUSE: type[Exception] = typer.BadParameter.__bases__[0]
"""Every error of usage: click's class, which Typer carries inside since 0.27 and has no public name for."""


class _Shown(Protocol):
    def show(self) -> None:
        """Print how the command is used, and what is wrong."""


class ExitCode(IntEnum):
    """The exit codes that scripts may rely on."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    NOTHING = 3
    SOME_FAILED = 4
    FINDINGS = 11
    INTERRUPTED = 130
    PIPE_CLOSED = 141


def explained(run: Callable[[], None]) -> int:
    """Call `run`; the exit code, after a message on stderr when it failed. Only the unexpected shows a traceback."""
    try:
        run()
    except typer.Exit as end:
        return _flushed(end.exit_code)
    except BrokenPipeError:
        return _pipe_closed()
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except Exception as error:
        return _report(error)
    return ExitCode.DONE


@contextmanager
def ended_by_interrupt() -> Iterator[None]:
    """Ctrl-C ends the process at once, as it ends any program, for work that only reads.

    DuckDB 2.0.0 loses about every second interrupt during a long query, which then runs on for hours.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def say_error(text: str) -> None:
    """`forebear: error: ...` on stderr; control characters of a stranger's name are escaped."""
    lines = [printable(line, _LONGEST) for line in text.split("\n")]
    print("forebear: error:", "\n".join(lines), file=sys.stderr)


def _report(error: Exception) -> int:
    if isinstance(error, _MISUSE):
        cast(_Shown, error).show()
        return ExitCode.USAGE
    if isinstance(error, ForebearError):
        say_error(str(error))
        return ExitCode.NOTHING if _is_nothing(error) else ExitCode.ERROR
    if isinstance(error, OSError) and error.strerror:
        return _unwritten(error) if error.filename is None else _said(f"{error.filename}: {error.strerror}")
    if isinstance(error, MemoryError):
        return _said("more memory is needed than there is; free some, or ask for less at once")
    if _is_database(error):
        return _said(f"the registry: {error}")
    traceback.print_exception(error)
    print("forebear: this is a bug of forebear; please report it with the lines above", file=sys.stderr)
    return ExitCode.ERROR


def _said(text: str) -> int:
    say_error(text)
    return ExitCode.ERROR


def _unwritten(error: OSError) -> int:
    """A stream that cannot be written, such as of a full disk: a read or write of a named file says its name."""
    _discard_output()
    return _said(f"the output cannot be written: {error.strerror}")


def _is_nothing(error: ForebearError) -> bool:
    from ...ingest.sources.source import NothingToRead

    return isinstance(error, NothingToRead)


def _is_database(error: Exception) -> bool:
    """A DuckDB error such as a full disk, without loading DuckDB to ask."""
    duckdb = sys.modules.get("duckdb")
    return duckdb is not None and isinstance(error, duckdb.Error)


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _pipe_closed()
    except OSError as error:
        return _unwritten(error)
    return code


def _pipe_closed() -> int:
    _discard_output()
    return ExitCode.PIPE_CLOSED


def _discard_output() -> None:
    """Point stdout nowhere, so that the interpreter's own flush at exit stays quiet too."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
