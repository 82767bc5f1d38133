"""`forebear audit`: every model against all others, what cards declare beside what weights say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...reports.models import share_names
from ...reports.numbers import counted, evalue, share
from ..errors import ExitCode
from ..options import (
    EngineName,
    EngineOption,
    RegistryOption,
    chosen_engine,
    open_registry,
)
from ..output import Output
from ..outputs.result import Result, Row, Table
from ..printing import reporting
from ..progress import stages
from .ancestors import direction

if TYPE_CHECKING:
    from ...audit.cost import AuditCost
    from ...audit.report import AuditChanges, AuditReport
    from ...audit.run import AuditOptions


class FailOn(StrEnum):
    """What makes an audit end with exit code 11."""

    UNDECLARED = "undeclared"
    DIRECTION_UNKNOWN = "direction_unknown"
    CONTRADICTED = "contradicted"
    RECIPE_CONTRADICTED = "recipe_contradicted"
    LICENCE = "licence"


_SHOWN = ("ancestor", "inferred", "declaration", "recipe", "licence", "duplicate")
_TITLES = ("status", "model", "relative", "relation", "direction", "identity", "coverage", "E-value", "reason")
_RIGHT = (5, 6, 7)
_SPARE = {
    "ancestor": (8, 6, 5, 7),
    "inferred": (7, 6, 5, 4, 3),
    "duplicate": (8, 6, 5, 7),
    "declaration": (6, 5, 4, 3, 7),
    "recipe": (6, 5, 4, 3, 7),
    "licence": (6, 5, 4, 3, 7),
}
"""Columns that a kind can do without: its reason, where the others say it too; else what the reason stands for."""
_UNTOLD = "; which came first cannot be told"
_ACCEPTED_TITLES = ("kind", "status", "model", "relative", "accepted because")
_CHANGE_TITLES = ("change", "kind", "model", "relative", "status", "relation", "reason")
_COST_TITLES = ("models", "against", "answers kept", "pairs", "processes", "sketches", "evidence", "memory")
_HEADS = {
    "ancestor": "nearest ancestors",
    "inferred": "missing ancestors",
    "declaration": "declared and not found",
    "recipe": "declared recipes",
    "licence": "licences",
    "duplicate": "duplicates",
}


QueryOption = Annotated[
    str,
    typer.Option(
        "--query",
        metavar="FILTER",
        help="Ask about these models alone: globs of name, source, license, architecture or type, as in"
        " 'org/* license=mit'.",
        show_default=False,
    ),
]
AgainstOption = Annotated[
    str,
    typer.Option("--against", metavar="FILTER", help="Look for relatives among these alone.", show_default=False),
]
SinceOption = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        metavar="DATE",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"],
        help="Ask about models ingested from then on (UTC) alone.",
        show_default=False,
    ),
]
MaxEvalueOption = Annotated[
    float, typer.Option("--max-evalue", metavar="E", help="What counts as found; at most 0.001.")
]
WholeOption = Annotated[
    bool, typer.Option("--whole", help="Compute everything anew; nothing is taken over from earlier runs.")
]
FailOnOption = Annotated[
    list[FailOn] | None,
    typer.Option(
        "--fail-on",
        metavar="STATUS",
        help="Exit code 11 when there is such a finding: " + ", ".join(FailOn) + ". May repeat.",
        show_default=False,
    ),
]
AcceptOption = Annotated[
    Path | None,
    typer.Option(
        "--accept",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Findings that are known and accepted: CSV with the columns kind,status,query,relative,reason,expires;"
        " * and globs match, lines with # are remarks. They are listed apart and fail nothing.",
        show_default=False,
    ),
]
DiffOption = Annotated[
    tuple[int, int] | None,
    typer.Option(
        "--diff",
        metavar="RUN RUN",
        help="Audit nothing: show what changed between two runs, which are named by their numbers.",
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", metavar="N", min=1, help="Processes. Default: one a core.", show_default=False),
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Say what it would take, from a sample of the work: pairs, seconds, memory. Nothing is written.",
        show_default=False,
    ),
]


@reporting
def audit(
    context: typer.Context,
    to: Output,
    queries: QueryOption = "",
    against: AgainstOption = "",
    since: SinceOption = None,
    max_evalue: MaxEvalueOption = 1e-3,
    whole: WholeOption = False,
    fail_on: FailOnOption = None,
    accept: AcceptOption = None,
    diff: DiffOption = None,
    jobs: JobsOption = None,
    engine: EngineOption = EngineName.LOCAL,
    dry_run: DryRunOption = False,
    registry: RegistryOption = None,
) -> None:
    """Compare every model with all others.

    One row a relation: confirmed (declared, and a derivation), undeclared (an ancestor by a direction that is told, not
    declared), direction unknown (of one lineage, which came first cannot be told), contradicted (declared, not found)
    or not comparable; then declared recipes of merges beside what replay gives, licence conflicts, duplicates and
    families, and what --accept takes. A .parquet, .csv, .json or .jsonl file holds all relatives too. Runs are kept:
    `forebear sql "FROM audit_latest"`. A second run computes what is new; one that was ended goes on. Other processes
    can use the registry while it computes: models that they add are for the next run.
    """
    if diff is not None:
        with open_registry(context, registry, read_only=True) as opened:
            changes = opened.audit_changes(*diff)
        to.write(changes_result(changes))
        return
    options = _options(queries, against, since, max_evalue, whole, jobs)
    if dry_run:
        _foresee(context, registry, options, to)
        return
    options = replace(options, engine=chosen_engine(engine), sharing=True)
    with open_registry(context, registry, create=False) as opened, stages(quiet=to.quiet) as advance:
        report = opened.audit(options, accept=accept, advance=advance)
    result = audit_result(report)
    if not result.tables:  # a file that is empty says nothing
        result = replace(result, tables=[Table((), (), (), [f"no finding about {counted(report.run.asked, 'model')}"])])
    to.write(result)
    to.say(*_summary(report), *(f"{accept}: {line}" for line in report.unused))
    if report.fails([reason.value for reason in fail_on or []]):
        raise typer.Exit(ExitCode.FINDINGS)


def _foresee(context: typer.Context, registry: str | None, options: AuditOptions, to: Output) -> None:
    """Print what an audit would take."""
    from ...audit.cost import audit_cost

    with open_registry(context, registry, read_only=True) as opened:
        cost = audit_cost(opened.connection, options)
    row = cost.row()
    cells = [[f"{cost.models:,}", f"{cost.against:,}", f"{cost.kept:,}", f"{cost.pairs:,}", *_costs(cost)]]
    to.write(Result({"cost": row}, [row], [Table(_COST_TITLES, cells, range(len(_COST_TITLES)))]))
    basis = f"{counted(cost.sampled, 'component')} of {cost.components:,} sampled"
    to.say(f"{basis}; recipes and findings come on top; nothing was written")


def _costs(cost: AuditCost) -> list[str]:
    return [
        str(cost.jobs),
        f"{cost.sketch_seconds:,.1f} s",
        f"{cost.evidence_seconds:,.1f} s",
        f"{cost.megabytes:,} MB",
    ]


def _options(
    queries: str, against: str, since: datetime | None, max_evalue: float, whole: bool, jobs: int | None
) -> AuditOptions:
    from ...audit.run import AuditOptions

    if not 0 < max_evalue <= 1e-3:
        raise typer.BadParameter("an E-value is above 0, and at most 0.001: evidence above it is not significant")
    try:
        return AuditOptions(queries, against, since, min(-3.0, math.log10(max_evalue)), whole, jobs)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def audit_result(report: AuditReport) -> Result:
    """A report in every form. People see nearest ancestors, declarations, licences and duplicates; files hold all."""
    from ...audit.report import audit_document, rows_of
    from ...reports.findings import audit_findings

    rows, accepted = rows_of(report.remaining), rows_of(report.accepted)
    tables = [_table(kind, found) for kind in _SHOWN if (found := [r for r in rows if r["kind"] == kind and _told(r)])]
    if accepted:
        names = ("kind", "status", "query", "relative", "accepted")
        known = [
            [str(row[name]).replace("_", " ") if name == "status" else str(row[name]) for name in names]
            for row in accepted
        ]
        tables.append(Table(_ACCEPTED_TITLES, known, (), ["accepted"]))
    if report.families:
        cells = [[f.name, str(f.members)] for f in report.families]
        tables.append(Table(("family", "models"), cells, (1,), ["families"]))
    return Result(
        audit_document(report),
        rows_of(report.table),
        tables,
        report.table.column_names,
        report.table,
        findings=audit_findings(rows_of(report.table)),
    )


def _told(row: Row) -> bool:
    """What people see of a kind: of licences the conflicts alone."""
    return row["status"] != "not_judged"


def _table(kind: str, rows: Sequence[Row]) -> Table:
    """The findings of a kind; with sources where several of the models have one name."""
    named = [(str(row[name]), str(row[f"{name}_source"])) for row in rows for name in ("query", "relative")]
    sources = share_names([(name, source) for name, source in named if source != "None"])
    cells = [
        [
            str(row["status"]).replace("_", " "),
            str(row["query"]),
            str(row["relative"]),
            _relation(row),
            _direction(row),
            _figure(row["identity"], "{:z.3f}"),
            share(c) if isinstance(c := row["coverage"], float) and row["origin"] else "",
            evalue(e) if isinstance(e := row["log10_evalue"], float) else "",
            _reason(row),
            *([str(row["query_source"]), str(row["relative_source"] or "")] if sources else []),
        ]
        for row in rows
    ]
    titles = (*_TITLES, "model's source", "relative's source") if sources else _TITLES
    return Table(titles, cells, _RIGHT, [_HEADS[kind]], _SPARE[kind])


def _reason(row: Row) -> str:
    """The reason, without what the status says already."""
    reason = str(row["reason"])
    return reason.removesuffix(_UNTOLD) if row["status"] == "direction_unknown" else reason


def _figure(value: object, form: str) -> str:
    return form.format(value) if isinstance(value, float) else ""


def _direction(row: Row) -> str:
    kind, probability = row["direction"], row["direction_probability"]
    return direction(str(kind), probability) if isinstance(probability, float) else ""


def _relation(row: Row) -> str:
    flags = row["relation"]
    words = [str(f).replace("_", " ") for f in flags] if isinstance(flags, list) else []
    other = row["merged_with"]
    told = ", ".join(f"merged with {other}" if word == "merged" and other else word for word in words)
    part = row["component"] != "language" or (row["kind"] == "ancestor" and "identical" in words)
    return f"{told} ({row['component']})" if told and part else told


def changes_result(changes: AuditChanges) -> Result:
    """Changes in every form."""
    from ...audit.report import changes_document, rows_of

    rows = rows_of(changes.table)
    cells = [
        [
            str(row["change"]),
            str(row["kind"]),
            str(row["query"]),
            str(row["relative"]),
            _both(row["status_before"], row["status_after"]),
            _both(_flags(row["relation_before"]), _flags(row["relation_after"])),
            str(row["reason"]),
        ]
        for row in rows
        if row["kind"] != "relative"
    ]
    more = sum(row["kind"] == "relative" for row in rows)
    head = f"run {changes.earlier.run_id} to run {changes.later.run_id}: {counted(len(rows), 'change')}"
    head += f", {more} of them among relatives" if more else ""
    return Result(
        changes_document(changes),
        rows,
        [Table(_CHANGE_TITLES if cells else (), cells, (), [head])],
        changes.table.column_names,
        changes.table,
    )


def _flags(value: object) -> str | None:
    return ", ".join(map(str, value)).replace("_", " ") if isinstance(value, list) else None


def _both(before: object, after: object) -> str:
    words = [str(v) for v in (before, after) if v not in (None, "")]
    return words[0] if len(set(words)) == 1 else " -> ".join(words)


def _summary(report: AuditReport) -> list[str]:
    """The numbers of a run in two lines."""
    counts = report.counts()
    run = report.run

    def number(*names: str) -> int:
        return sum(counts.get(name, 0) for name in names)

    found = (
        f"{number('ancestor.confirmed')} confirmed, {number('ancestor.undeclared')} undeclared,"
        f" {number('ancestor.direction_unknown')} of unknown direction,"
        f" {number('declaration.contradicted')} contradicted, {number('declaration.not_comparable')} not comparable,"
        f"{_recipes(counts)}"
        f" {counted(number('licence.conflict'), 'licence conflict')} ({number('licence.not_judged')} not judged),"
        f" {counted(number('duplicate.confirmed', 'duplicate.undeclared'), 'duplicate')},"
        f" {counted(number('relative.related'), 'other relation')}"
    )
    pairs = f"run {run.run_id}: {counted(run.asked, 'model')} of {run.models}, {run.evaluated} pairs computed"
    pairs += f", {run.carried} taken over" if run.carried else ""
    families, accepted = len(report.families), report.accepted.num_rows
    found += f"; {accepted} accepted" if accepted else ""
    return [found, f"{pairs}, {families} {'family' if families == 1 else 'families'}"]


def _recipes(counts: Mapping[str, int]) -> str:
    """What became of declared recipes, where any were declared."""
    words = {"confirmed": "confirmed", "contradicted": "contradicted", "not_checkable": "not checkable"}
    said = [f"{n} {word}" for status, word in words.items() if (n := counts.get(f"recipe.recipe_{status}", 0))]
    return f" recipes: {', '.join(said)};" if said else ""
