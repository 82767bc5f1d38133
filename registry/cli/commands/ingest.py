"""`forebear ingest`: fingerprints models and keeps them."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...reports.numbers import counted, parameters, size
from ..errors import ExitCode, say_error
from ..options import (
    BudgetOption,
    ConnectionsOption,
    EngineName,
    EngineOption,
    RegistryOption,
    chosen_engine,
    open_registry,
    registry_path,
)
from ..output import Output
from ..outputs.result import Result, Table
from ..printing import printing
from ..progress import progress

if TYPE_CHECKING:
    from ...jobs.outcome import Failed, Outcome, Skipped
    from ...registry import Registry

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE",
        help="Folders, files of weights, org/name[@revision], or @list.txt with one of these a line (@- reads stdin)."
        " With --refresh: registered models, none for all.",
        show_default=False,
    ),
]

RefreshOption = Annotated[
    bool,
    typer.Option("--refresh", help="Read what registered models lack of this version's fingerprints, and no more."),
]

RecursiveOption = Annotated[
    bool, typer.Option("--recursive", help="Ingest every model in the folders, and in those below.", show_default=False)
]

DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Say what would be read: bytes, requests, and about how many seconds. Nothing is written.",
        show_default=False,
    ),
]


@printing
def ingest(
    context: typer.Context,
    to: Output,
    sources: Sources = None,
    refresh: RefreshOption = False,
    connections: ConnectionsOption = None,
    budget: BudgetOption = None,
    recursive: RecursiveOption = False,
    engine: EngineOption = EngineName.LOCAL,
    dry_run: DryRunOption = False,
    registry: RegistryOption = None,
) -> None:
    """Fingerprint models and keep them.

    A small part of every tensor is read, and only the fingerprint is kept. What is unchanged is not read again.
    Repositories of the Hub are read by byte ranges, several models at once, without a download. A model is in the
    registry as soon as its line is printed (jsonl and csv print as they go). Bad input never ends the batch: exit code
    4 says that some inputs could not be read, 1 that none could, 3 that there was nothing to read.

    With --refresh, models that an earlier version ingested get what it did not keep, from the missing ranges alone.
    Where a source is gone or has changed, what is kept stays, and the reason is printed.
    """
    specs = expanded(sources or ())
    if refresh:
        if budget is not None or recursive:
            raise typer.BadParameter("--refresh keeps to each model's own budget: leave --budget and --recursive out")
        with open_registry(context, registry, create=False) as opened:
            found = opened.refreshing(*specs, connections=connections, sharing=True, engine=chosen_engine(engine))
            outcomes = report(found, len(specs) or len(opened.outdated()), to, idle=lambda: _complete(opened))
        raise typer.Exit(exit_code(outcomes))
    if not sources:
        raise typer.BadParameter("no sources: name folders, files or org/name, or ask for --refresh")
    if not specs:
        to.say("no sources given")
        raise typer.Exit(ExitCode.NOTHING)
    if recursive:
        specs = [model for spec in specs for model in models_below(spec)]

    if dry_run:
        raise typer.Exit(_foreseen(context, registry, specs, to, budget))
    with open_registry(context, registry) as opened:
        chosen = chosen_engine(engine)
        found = opened.ingesting(specs, connections=connections, budget=budget, sharing=True, engine=chosen)
        outcomes = report(found, len(specs), to)
    raise typer.Exit(exit_code(outcomes))


def _foreseen(context: typer.Context, registry: str | None, specs: list[str], to: Output, budget: int | None) -> int:
    """Print what an ingest would read; the exit code that it would have as far as headers tell."""
    from ...jobs.expecting import Foreseen, expecting, prospect_row

    with _existing(context, registry) as opened:
        found = list(expecting(opened.connection, specs, budget=budget))
    for one in found:
        if not isinstance(one, Foreseen):
            remark(one, to)
    rows = [prospect_row(one) for one in found]
    cells = [[str(row["status"]), str(row["name"] or row["source"]), *_counts(row)] for row in rows]
    to.write(Result({"results": rows}, rows, [Table(_EXPECTED_TITLES, cells, range(2, 8))]))
    total = [sum(float(str(row[key])) for row in rows) for key in ("bytes_read", "requests", "seconds")]
    to.say(f"{size(int(total[0]))} in {int(total[1])} requests, about {total[2]:.1f} s; nothing was written")
    states = {str(row["status"]) for row in rows}
    if states <= {"to read", "unchanged"}:
        return ExitCode.DONE
    if states & {"to read", "unchanged"}:
        return ExitCode.SOME_FAILED
    return ExitCode.NOTHING if states == {"skipped"} else ExitCode.ERROR


@contextmanager
def _existing(context: typer.Context, registry: str | None) -> Iterator[Registry]:
    """The registry for reading; an empty one that is gone at the end where there is none yet."""
    from ...store.database import registry_place
    from ...temporary import temporary_registry

    place = registry_place(registry_path(context, registry))
    if isinstance(place, Path) and not place.exists():
        with temporary_registry() as empty:
            yield empty
    else:
        with open_registry(context, registry, read_only=True) as opened:
            yield opened


_EXPECTED_TITLES = ("status", "model", "tensors", "parameters", "to read", "of", "requests", "seconds")


def _counts(row: Mapping[str, object]) -> list[str]:
    """Cells of what would be read; empty where nothing would."""
    if row["status"] != "to read":
        return [""] * 6
    tensors, values, read, total, requests = (
        int(str(row[key])) for key in ("tensors", "parameters", "bytes_read", "bytes_total", "requests")
    )
    seconds = f"{float(str(row['seconds'])):.1f}"
    return [str(tensors), parameters(values), size(read), size(total), str(requests), seconds]


def expanded(sources: Iterable[str]) -> list[str]:
    """Sources with every `@list.txt` replaced by its lines; empty lines and lines that start with `#` say nothing."""
    found: list[str] = []
    for source in sources:
        if not source.startswith("@"):
            found.append(source)
            continue
        try:
            text = sys.stdin.read() if source == "@-" else _read_list(source[1:])
        except OSError as error:
            raise typer.BadParameter(f"the list {source[1:]!r} cannot be read: {error.strerror}") from error
        lines = (line.strip() for line in text.lstrip("\ufeff").splitlines())
        found += [line for line in lines if line and not line.startswith("#")]
    return found


_LONGEST_LIST = 64 << 20
"""Bytes of a list of sources: a million of them, and what may be said of each."""


def _read_list(name: str) -> str:
    """The text of a list of sources; a device without an end is not read to it."""
    from ....ingest.sources.folder import local_path

    with local_path(name).open("rb") as file:
        data = file.read(_LONGEST_LIST + 1)
    if len(data) > _LONGEST_LIST:
        raise typer.BadParameter(f"the list {name!r} has more than {_LONGEST_LIST} bytes; give it in parts")
    return os.fsdecode(data)


def models_below(spec: str) -> list[str]:
    """The models in a folder of models; a source that is no folder, or holds none, as it is."""
    from ....ingest.errors import SourceError
    from ....ingest.model_folders import model_folders
    from ....ingest.sources.folder import local_path

    folder = local_path(spec)
    try:
        return [str(path) for path in model_folders(folder)] or [spec] if folder.is_dir() else [spec]
    except SourceError:  # said when it is opened
        return [spec]


def exit_code(outcomes: Sequence[Outcome]) -> ExitCode:
    """0 when everything was read; 3 when there was nothing to read; 1 when nothing could be; else 4."""
    states = {outcome.status for outcome in outcomes}
    done = {"ingested", "refreshed", "unchanged"}
    if states <= done:
        return ExitCode.DONE
    if states & done:
        return ExitCode.SOME_FAILED
    return ExitCode.NOTHING if states == {"skipped"} else ExitCode.ERROR


def _complete(registry: Registry) -> str:
    """What is to be said where no model lacks anything."""
    count = len(registry.models())
    return f"nothing to read: {counted(count, 'model')}, all complete" if count else "no models are registered yet"


def report(
    found: Generator[Outcome, None, None], count: int, to: Output, idle: Callable[[], str] | None = None
) -> list[Outcome]:
    """Print a row for each outcome of about `count`; what is done is printed, also after Ctrl-C.

    Where the batch ends without any outcome, `idle` says why.
    """
    from ...jobs.outcome import outcome_row

    done: list[Outcome] = []
    said = ""
    began = time.monotonic()
    with to.opened() as stream:
        try:
            for outcome in each(found, count, to):
                done.append(outcome)
                to.print_row(outcome_row(outcome), stream, first=len(done) == 1)
            said = idle() if idle and not done else ""
        finally:
            if done and not to.streams:
                to.print(outcomes_result(done), stream)
            to.say(said or summary(done, time.monotonic() - began))
    return done


def ingested(registry: Registry, specs: Sequence[str], to: Output) -> list[Outcome]:
    """Ingest `specs` and say how many there were, without rows."""
    began = time.monotonic()
    done = list(each(registry.ingesting(specs, sharing=True), len(specs), to))
    to.say(summary(done, time.monotonic() - began))
    return done


def each(found: Generator[Outcome, None, None], count: int, to: Output) -> Iterator[Outcome]:
    """Outcomes as they come, with progress and remarks on stderr."""
    with progress(count, quiet=to.quiet) as advance, closing(found):
        for outcome in found:
            remark(outcome, to)
            advance(outcome.source, getattr(outcome, "bytes_read", 0))
            yield outcome


def outcomes_result(outcomes: Sequence[Outcome]) -> Result:
    """Outcomes in every form."""
    from ...jobs.outcome import outcome_row

    rows = [outcome_row(outcome) for outcome in outcomes]
    return Result({"results": rows}, rows, [Table(_TITLES, [_cells(outcome) for outcome in outcomes], _RIGHT)])


_TITLES = ("status", "model", "tensors", "parameters", "read", "of", "seconds")
_RIGHT = range(2, 7)


def _cells(outcome: Outcome) -> list[str]:
    from ...jobs.outcome import Failed, Skipped

    seconds = f"{outcome.seconds:z.2f}"
    if isinstance(outcome, Failed | Skipped):
        return [outcome.status, outcome.source, "", "", "", "", seconds]
    counts = [str(outcome.tensors), parameters(outcome.parameters), size(outcome.bytes_read), size(outcome.bytes_total)]
    return [outcome.status, outcome.name, *counts, seconds]


def remark(outcome: Outcome, to: Output) -> None:
    """What a person should know of one input, when it happens; a failure even with --quiet."""
    from ...jobs.outcome import Failed, Ingested, Refreshed, Skipped

    match outcome:
        case Failed():
            say_error(_blamed(outcome))
        case Skipped():
            to.say(f"forebear: skipped: {_blamed(outcome)}")
        case Ingested() | Refreshed():
            to.say(*(f"forebear: {outcome.name}: {note}" for note in outcome.notes))


def _blamed(outcome: Failed | Skipped) -> str:
    """The reason, which mostly names the source already."""
    return outcome.reason if outcome.source in outcome.reason else f"{outcome.source}: {outcome.reason}"


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """How many of what became of them, for people."""
    counts = Counter(outcome.status for outcome in outcomes)
    read = sum(getattr(outcome, "bytes_read", 0) for outcome in outcomes)
    found = ", ".join(f"{counts[status]} {status}" for status in _STATUSES if counts[status])
    return f"{found or 'nothing done'}; {size(read)} read in {seconds:.1f} s"


_STATUSES = ("ingested", "refreshed", "unchanged", "skipped", "failed")
