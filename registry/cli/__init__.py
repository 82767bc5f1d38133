"""The command line: every command parses, calls one library function and prints what it returns.

Nothing heavy is imported here: `forebear --help` answers without DuckDB, numpy or pyarrow.
"""

from __future__ import annotations

import gc
import io
import os
import shlex
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import typer

from .commands import (
    ancestors,
    audit,
    bench_public,
    bom,
    card,
    case,
    compare,
    demo,
    descendants,
    export,
    import_,
    ingest,
    list_,
    mark,
    mcp,
    outputs,
    parts,
    pull,
    push,
    recipe,
    remove,
    serve,
    show,
    sql,
    tree,
    watch,
)
from .errors import ExitCode, explained
from .options import GIVEN, Before, RegistryOption

__all__ = ["COMMANDS", "Command", "app", "main"]

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


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name, and the function that carries it out, whose docstring is its help."""

    name: str
    run: Callable[..., None]


COMMANDS = (
    Command("ingest", ingest.ingest),
    Command("watch", watch.watch),
    Command("ancestors", ancestors.ancestors),
    Command("descendants", descendants.descendants),
    Command("parts", parts.parts),
    Command("recipe", recipe.recipe),
    Command("compare", compare.compare),
    Command("case", case.case),
    Command("bench-public", bench_public.bench_public),
    Command("audit", audit.audit),
    Command("tree", tree.tree),
    Command("bom", bom.bom),
    Command("card", card.card),
    Command("list", list_.list_),
    Command("show", show.show),
    Command("remove", remove.remove),
    Command("mark", mark.mark),
    Command("sql", sql.sql),
    Command("serve", serve.serve),
    Command("mcp", mcp.mcp),
    Command("push", push.push),
    Command("pull", pull.pull),
    Command("export", export.export),
    Command("import", import_.import_),
    Command("demo", demo.demo),
)
"""Every command, in the order of the help. A new one is a file in `commands` and a line here."""

_COLLECTED_AFTER = (100_000, 20, 20)
"""Looking for cycles after 700 new objects, as CPython does, takes a third of the seconds where a model has 250,000
tensors, and finds none."""

_ONE_THREAD = "OPENBLAS_NUM_THREADS"
"""What numpy looks at when it is loaded. Our matrix products are small: threads that wait for each other took a quarter
of the processor time of a question, and each of an audit's processes would have as many as there are cores."""

for _command in COMMANDS:
    app.command(_command.name)(_command.run)
app.add_typer(outputs.app, name="outputs")


def _version(asked: bool) -> None:
    if asked:
        from ..version import forebear_version

        typer.echo(f"forebear {forebear_version()}")
        raise typer.Exit


@app.callback()
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
    command = typer.main.get_command(app)
    given = list(sys.argv[1:] if arguments is None else arguments)

    def run() -> None:
        gc.set_threshold(*_COLLECTED_AFTER)
        with command.make_context("forebear", list(given)) as context:
            context.meta[GIVEN] = shlex.join(["forebear", *given])
            command.invoke(context)
        sys.stdout.flush()

    code = explained(run)
    if code == ExitCode.INTERRUPTED and any(not t.daemon for t in threading.enumerate()[1:]):
        _leave(code)  # threads that wait for a host would hold the process until it answers
    return code


def _leave(code: int) -> None:
    """End the process at once; everything that was reported is written."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
