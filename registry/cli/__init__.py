"""The command line: every command parses, calls one library function and prints what it returns.

Nothing heavy is imported here: `forebear --help` answers without DuckDB, numpy or pyarrow. Of the commands the one that
is called is imported, and all of them where none is named.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import io
import os
import shlex
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from typing import Annotated, NoReturn

import typer

from .errors import ExitCode, explained
from .options import GIVEN, Before, RegistryOption

__all__ = ["COMMANDS", "application", "main", "process"]

COMMANDS = (
    "ingest",
    "watch",
    "ancestors",
    "descendants",
    "parts",
    "recipe",
    "compare",
    "case",
    "bench-public",
    "audit",
    "tree",
    "bom",
    "card",
    "list",
    "show",
    "remove",
    "mark",
    "sql",
    "serve",
    "mcp",
    "push",
    "pull",
    "export",
    "import",
    "demo",
    "outputs",
)
"""Every command, in the order of the help. A new one is a line here, and a file in `commands` that `_function` names.
What has commands of its own, as `outputs`, has an `app` in that file."""

_COLLECTED_AFTER = (100_000, 20, 20)
"""Looking for cycles after 700 new objects, as CPython does, takes a third of the seconds where a model has 250,000
tensors, and finds none."""

_ONE_THREAD = "OPENBLAS_NUM_THREADS"
"""What numpy looks at when it is loaded. Our matrix products are small: threads that wait for each other took a quarter
of the processor time of a question, and each of an audit's processes would have as many as there are cores."""

_BEFORE_COMMANDS = ("--registry", "--config")
"""Options with a value that stand before the command."""


def application(commands: Sequence[str] = COMMANDS) -> typer.Typer:
    """Some of the commands, all of them unless told otherwise."""
    app = typer.Typer(
        name="forebear",
        help="Finds the ancestors of a machine-learning model from its weights: BLAST for model weights.",
        epilog="Exit codes: 0 done, 1 error, 2 usage, 3 nothing to read, 4 some inputs could not be read,"
        " 11 findings (audit --fail-on).",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_common)
    for name in commands:
        function = _function(name)
        module = import_module(f".commands.{function}", __name__)
        if group := getattr(module, "app", None):
            app.add_typer(group, name=name)
        else:
            app.command(name)(getattr(module, function))
    return app


def _function(command: str) -> str:
    """The name of a command as Python has it, which is that of its file and of the function in it."""
    name = command.replace("-", "_")
    return f"{name}_" if iskeyword(name) or hasattr(builtins, name) else name


def _called(arguments: Sequence[str]) -> Sequence[str]:
    """The commands that a call may mean: the one that it names, all of them where it names none that there is."""
    words = iter(arguments)
    for word in words:
        if word in _BEFORE_COMMANDS:
            next(words, None)
        elif not word.startswith("-"):
            return (word,) if word in COMMANDS else COMMANDS
    return COMMANDS


def _version(asked: bool) -> None:
    if asked:
        from ..version import forebear_version

        typer.echo(f"forebear {forebear_version()}")
        raise typer.Exit


def _common(
    context: typer.Context,
    registry: RegistryOption = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Settings. Default: $FOREBEAR_CONFIG, or forebear.toml in the user's config folder.",
            show_default=False,
        ),
    ] = None,
) -> None:
    context.obj = Before(registry, config)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (default: those of the process) name; returns the exit code."""
    os.environ.setdefault(_ONE_THREAD, "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = typer.main.get_command(application(_called(given)))

    def run() -> None:
        gc.set_threshold(*_COLLECTED_AFTER)
        with command.make_context("forebear", list(given)) as context:
            context.meta[GIVEN] = shlex.join(["forebear", *given])
            command.invoke(context)
        sys.stdout.flush()

    code = explained(run)
    if code == ExitCode.INTERRUPTED and _waiting():
        _leave(code)  # threads that wait for a host would hold the process until it answers
    return code


def process() -> NoReturn:
    """Run the command of this process and end it, without taking every module and object apart first: 0.08 s."""
    code = main()
    if _waiting():
        sys.exit(code)
    atexit._run_exitfuncs()
    _leave(code)


def _waiting() -> bool:
    """Whether threads of this process have yet to end."""
    return any(not thread.daemon for thread in threading.enumerate()[1:])


def _leave(code: int) -> NoReturn:
    """End the process at once; everything that was reported is written."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
