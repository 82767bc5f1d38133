"""`forebear watch`: new models of the Hub, each with its top ancestor."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ....ingest.errors import ForebearError
from ...reports.numbers import counted, evalue
from ..errors import ExitCode
from ..options import (
    BudgetOption,
    ConnectionsOption,
    RegistryOption,
    open_registry,
)
from ..output import Output
from ..outputs.result import Result, Table
from ..printing import reporting
from ..progress import progress
from .ancestors import relation
from .ingest import remark, summary

if TYPE_CHECKING:
    from ...jobs.outcome import Outcome
    from ...jobs.watched import Watched
    from ...jobs.watching import Agenda
    from ...registry import Registry

AuthorOption = Annotated[
    str | None, typer.Option("--author", metavar="A", help="Models of this user or organisation.", show_default=False)
]
TaskOption = Annotated[
    str | None,
    typer.Option("--task", metavar="T", help="Models for this task, such as text-generation.", show_default=False),
]
SinceOption = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        metavar="DATE",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"],
        help="Models made from then on (UTC): 2026-01-31, or with a time, 2026-01-31T12:00:00.",
        show_default=False,
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="N",
        min=1,
        help="At most so many new models; the rest is left for the next run.",
        show_default=False,
    ),
]


_ROLES = {
    "derived": "derived from ",
    "related": "of one lineage with ",
    "shared_initialisation": "of one initialisation with ",
    "inconclusive": "related to ",
}
"""Verdict -> what the model that a line names is to the new one."""


OnFindingOption = Annotated[
    str | None,
    typer.Option(
        "--on-finding",
        metavar="URL",
        envvar="FOREBEAR_ON_FINDING",
        help="Post what is found there as JSON: undeclared and unknown relations, and models that could not be read.",
        show_default=False,
        show_envvar=True,
    ),
]


@reporting
def watch(
    context: typer.Context,
    to: Output,
    author: AuthorOption = None,
    task: TaskOption = None,
    since: SinceOption = None,
    limit: LimitOption = None,
    on_finding: OnFindingOption = None,
    connections: ConnectionsOption = None,
    budget: BudgetOption = None,
    registry: RegistryOption = None,
) -> None:
    """Ingest what is new on the Hub.

    Lists the models made since the last run with these filters, reads them, the oldest first, and tries earlier
    failures again. When all are in, it prints a line a model, with the ancestor that is told, or else the nearest
    relative; then `changed` lines, of earlier models that a new one is a nearer ancestor of. A failure is named once.
    Release dates are those of the Hub. The very first run takes the newest 100, or --limit. Exit code 1 says that
    nothing that is new could be read.
    """
    from ...jobs.alerting import webhook_host
    from ...jobs.watching import Filters, agenda

    if on_finding:
        try:
            webhook_host(on_finding)
        except ForebearError as error:
            raise typer.BadParameter(str(error).removeprefix("--on-finding: "), param_hint="--on-finding") from error
    with open_registry(context, registry) as opened:
        todo = agenda(opened.connection, Filters(author, task, since), limit=limit)
        watched = _report(opened, todo, to, connections, budget)
    if todo.left:
        to.say(f"{counted(todo.left, 'newer model')} left for the next run")
    if on_finding:
        _post(on_finding, watched)
    raise typer.Exit(_exit_code(watched))


def _report(opened: Registry, todo: Agenda, to: Output, connections: int | None, budget: int | None) -> list[Watched]:
    """Carry out the agenda and print a line for each model."""
    from ...jobs.watched import watched_row, watching
    from ...reports.findings import watch_findings

    done: list[Watched] = []
    outcomes: list[Outcome] = []
    known = 0
    began = datetime.now(UTC)
    with to.opened() as stream, progress(len(todo.specs), quiet=to.quiet) as advance:

        def heard(outcome: Outcome, is_known: bool) -> None:
            nonlocal known
            known += is_known
            if not is_known:
                outcomes.append(outcome)
                remark(outcome, to)
            advance(outcome.source, getattr(outcome, "bytes_read", 0))

        found = watching(opened, todo, heard, connections=connections, budget=budget)
        with closing(found):
            try:
                for one in found:
                    done.append(one)
                    if to.form.name == "table":
                        stream.write(_sentence(one) + "\n")
                        stream.flush()
                    to.print_row(watched_row(one), stream, first=len(done) == 1)
            finally:
                if not to.streams:
                    rows = [watched_row(one) for one in done]
                    tables = () if to.form.name == "table" or not done else (_table(done),)
                    document = {"results": rows, "left": todo.left}
                    to.print(Result(document, rows, tables, findings=watch_findings(rows)), stream)
                to.say(summary(outcomes, (datetime.now(UTC) - began).total_seconds()))
                if known:
                    to.say(f"{counted(known, 'known failure')} tried again in vain; the table attempt says which")
    return done


def _post(url: str, watched: list[Watched]) -> None:
    """Post the findings of a run; a run without any posts nothing."""
    from ...jobs.alerting import post_findings
    from ...jobs.watched import watched_row
    from ...reports.findings import findings_document, watch_findings
    from ...version import SCHEMA_VERSION

    document = findings_document(watch_findings(watched_row(one) for one in watched))
    if document["findings"]:
        post_findings(url, {"schema_version": SCHEMA_VERSION, **document})


def _table(done: list[Watched]) -> Table:
    """What a page and Markdown show: a row a model."""
    from ...jobs.outcome import Failed, Skipped

    cells = []
    for one in done:
        outcome, nearest = one.outcome, one.relative
        if isinstance(outcome, Failed | Skipped):
            cells.append([one.status, outcome.source, "", "", "", outcome.reason])
            continue
        found = (nearest.name, relation(nearest), evalue(nearest.log10_evalue)) if nearest else ("", "", "")
        cells.append([one.status, outcome.name, *found, one.sentence or ""])
    return Table(("status", "model", "relative", "relation", "E-value", "answer"), cells, (4,))


def _sentence(watched: Watched) -> str:
    """One line for people: status, name, and where it comes from."""
    from ....ingest.text import printable
    from ...jobs.outcome import Failed, Skipped

    outcome, nearest = watched.outcome, watched.relative
    if isinstance(outcome, Failed | Skipped):
        return printable(f"{outcome.source}: {watched.status}", 4096)
    if nearest is None:
        unsure = f" ({watched.sentence or 'inconclusive'})" if watched.verdict == "inconclusive" else ""
        return printable(f"{outcome.name}: {watched.status}, no ancestor{unsure}", 4096)
    found = f"{nearest.name} ({relation(nearest)})" if nearest.relation else nearest.name
    chance = f"E = {evalue(nearest.log10_evalue)}".replace("= <", "< ")
    return printable(f"{outcome.name}: {watched.status}, {_ROLES[watched.verdict or '']}{found}, {chance}", 4096)


def _exit_code(watched: list[Watched]) -> ExitCode:
    """0 also when nothing was new; 1 when there was something new and nothing of it could be read."""
    states = {one.status for one in watched}
    return ExitCode.ERROR if "failed" in states and not states & {"ingested", "unchanged"} else ExitCode.DONE
