"""What an audit run found, and what changed between two, as rows with the keys of the JSON contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from ...ingest.errors import RegistryError
from ...queries.answers.tabular import Tabular
from ...queries.sql import statement
from ..reports.numbers import counted

KINDS = ("ancestor", "inferred", "declaration", "recipe", "licence", "duplicate", "relative")
"""Kinds of findings in the order in which they are shown."""
FAILING = {
    "undeclared": ("undeclared",),
    "direction_unknown": ("direction_unknown",),
    "contradicted": ("contradicted",),
    "recipe_contradicted": ("recipe_contradicted",),
    "licence": ("conflict",),
}
"""What can be asked to fail, and the status that does."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run as it is kept: see `audit_run` in schema/."""

    run_id: int
    queries: str
    against: str
    since: datetime | None
    max_log10_e: float
    whole: bool
    models: int
    asked: int
    started_at: datetime
    finished_at: datetime | None
    evaluated: int | None
    carried: int | None


@dataclass(frozen=True, slots=True)
class Family:
    """Models that found relations connect; `models` are their names."""

    name: str
    members: int
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class AuditReport(Tabular):
    """A run and its findings.

    `table` has a row a finding, columns as in the view `audit_findings`, and `accepted`: why somebody accepts it, else
    NULL. `unused` says of waivers that accept nothing why.
    """

    run: Run
    table: pa.Table
    families: tuple[Family, ...]
    unused: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, object]]:
        """The findings, accepted ones too, with the keys of the JSON contract."""
        return rows_of(self.table)

    def to_arrow(self) -> pa.Table:
        """The rows as an Arrow table, with the types of the registry."""
        return self.table

    @property
    def line(self) -> str:
        """Its number, and how many findings of which kind nobody accepted."""
        return f"run {self.run.run_id}: " + (
            ", ".join(f"{n} {kind}" for kind, n in self.counts().items()) or "no finding"
        )

    @property
    def remaining(self) -> pa.Table:
        """The findings that nobody accepted."""
        if self.table["accepted"].null_count == self.table.num_rows:
            return self.table
        return self.table.filter(self.table["accepted"].is_null())

    @property
    def accepted(self) -> pa.Table:
        """The findings that somebody accepted."""
        return self.table.filter(self.table["accepted"].is_valid())

    def counts(self) -> dict[str, int]:
        """How many findings there are that nobody accepted, `kind.status` -> number."""
        found = self.remaining
        pairs = zip(found["kind"].to_pylist(), found["status"].to_pylist(), strict=True)
        return {f"{kind}.{status}": number for (kind, status), number in Counter(pairs).items()}

    def fails(self, reasons: Sequence[str]) -> bool:
        """Whether there is a finding of one of the words of FAILING that nobody accepted."""
        wanted = {status for reason in reasons for status in FAILING[reason]}
        return any(status in wanted for status in self.remaining["status"].to_pylist())


@dataclass(frozen=True, slots=True, repr=False)
class AuditChanges(Tabular):
    """What appeared, went or changed from one run to a later one, a row each, with the columns of `audit/diff.sql`."""

    earlier: Run
    later: Run
    table: pa.Table

    def rows(self) -> list[dict[str, object]]:
        """The changes, with the keys of the JSON contract."""
        return rows_of(self.table)

    def to_arrow(self) -> pa.Table:
        """The rows as an Arrow table, with the types of the registry."""
        return self.table

    @property
    def line(self) -> str:
        """Both runs, and how many changes there are."""
        return f"run {self.earlier.run_id} to run {self.later.run_id}: {counted(self.table.num_rows, 'change')}"


def audit_report(connection: duckdb.DuckDBPyConnection, run_id: int) -> AuditReport:
    """The findings of a run that finished. Raises RegistryError when there is none of that number."""
    run = find_run(connection, run_id)
    table = connection.sql(statement("audit/rows"), params={"run_id": run_id, "kinds": list(KINDS)}).to_arrow_table()
    table = table.append_column("accepted", pa.nulls(table.num_rows, pa.string()))
    rows = connection.execute(statement("audit/families"), {"run_id": run_id}).fetchall()
    return AuditReport(run, table, tuple(Family(name, members, tuple(models)) for name, members, models in rows))


def latest_run(connection: duckdb.DuckDBPyConnection) -> Run | None:
    """The newest run that finished, None where none has."""
    run_id = connection.execute(statement("audit/latest")).fetchall()[0][0]
    return None if run_id is None else find_run(connection, int(run_id))


def some_findings(connection: duckdb.DuckDBPyConnection, run: Run, question: str, **parameters: object) -> AuditReport:
    """The findings of a run that `audit/QUESTION.sql` gives, without families; of the order of a report's."""
    values = {"run_id": run.run_id, **parameters}
    table = connection.sql(statement(f"audit/{question}"), params=values).to_arrow_table()
    return AuditReport(run, table.append_column("accepted", pa.nulls(table.num_rows, pa.string())), ())


def findings_of_model(
    connection: duckdb.DuckDBPyConnection, run: Run, source: str, kinds: Sequence[str], most: int
) -> AuditReport:
    """At most `most` findings of a run about the model of a source, or in which it is the relative, of `kinds`.

    Of a source with several revisions those of the one that was asked about last.
    """
    ids = connection.execute(statement("audit/ids"), {"run_id": run.run_id, "source": source}).fetchall()
    latest = max((model_id for (model_id,) in ids), default=-1)
    return some_findings(connection, run, "of_model", id=latest, kinds=list(kinds), most=most)


def finding_counts(connection: duckdb.DuckDBPyConnection, run: Run) -> dict[str, int]:
    """How many findings a run has, `kind.status` -> number."""
    rows = connection.execute(statement("audit/counts"), {"run_id": run.run_id}).fetchall()
    return {f"{kind}.{status}": int(number) for kind, status, number in rows}


def audit_changes(connection: duckdb.DuckDBPyConnection, earlier: int, later: int) -> AuditChanges:
    """What changed between two runs that finished. Raises RegistryError when one of them is not there."""
    runs = find_run(connection, earlier), find_run(connection, later)
    table = connection.sql(statement("audit/diff"), params={"earlier": earlier, "later": later}).to_arrow_table()
    return AuditChanges(*runs, table)


def find_run(connection: duckdb.DuckDBPyConnection, run_id: int) -> Run:
    """The run of that number. Raises RegistryError when it is not there or has not finished."""
    runs = [Run(*row) for row in connection.execute(statement("audit/runs")).fetchall()]
    found = next((run for run in runs if run.run_id == run_id), None)
    if found is None:
        there = ", ".join(str(run.run_id) for run in runs if run.finished_at) or "none"
        raise RegistryError(f"the registry has no audit run {run_id}; finished ones: {there}")
    if found.finished_at is None:
        raise RegistryError(f"audit run {run_id} was ended before it finished; `forebear audit` goes on with it")
    return found


def audit_document(report: AuditReport) -> dict[str, object]:
    """A report with the keys of the JSON contract, without `schema_version`."""
    families = [{"name": f.name, "members": f.members, "models": list(f.models)} for f in report.families]
    return {
        "run": run_row(report.run),
        "counts": report.counts(),
        "findings": rows_of(report.remaining),
        "accepted": rows_of(report.accepted),
        "families": families,
    }


def run_row(run: Run) -> dict[str, object]:
    """A run with the keys of the JSON contract."""
    return {
        "run_id": run.run_id,
        "query": run.queries,
        "against": run.against,
        "since": run.since,
        "max_log10_evalue": run.max_log10_e,
        "whole": run.whole,
        "models": run.models,
        "asked": run.asked,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "pairs_evaluated": run.evaluated,
        "pairs_carried": run.carried,
    }


def changes_document(changes: AuditChanges) -> dict[str, object]:
    """Changes with the keys of the JSON contract, without `schema_version`."""
    return {
        "earlier": run_row(changes.earlier),
        "later": run_row(changes.later),
        "changes": rows_of(changes.table),
    }


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """The rows as Python values."""
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
