"""Findings of the newest audit, by kind, status and model; and what changed last, for feed readers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from ...audit.known import Audited
from ...audit.report import KINDS, AuditReport, rows_of, run_row, some_findings
from ..parameters import PAGE, Asked, Parameter
from ..site import Site, address, page_tables
from ..view import ATOM, Answer, NotThere, View, json_answer

STATUSES = (
    *("", "confirmed", "undeclared", "direction_unknown", "contradicted", "not_comparable", "conflict", "not_judged"),
    *("recipe_confirmed", "recipe_contradicted", "recipe_not_checkable", "missing", "found", "related"),
)
NO_AUDIT = "no audit of this registry has finished: run `forebear audit` first"
ON_A_PAGE = 100
PARAMETERS = (
    Parameter("kind", "Findings of this kind; all but relatives where it is empty.", default="", choices=("", *KINDS)),
    Parameter("status", "Findings of this status.", default="", choices=STATUSES),
    Parameter(
        "name", "Findings about models or relatives of this name; a part of it, or a glob.", default="", most=400
    ),
    PAGE,
)
_TROUBLE = ("undeclared", "contradicted", "recipe_contradicted", "conflict", "direction_unknown")
"""What a feed is for, the worst first: a confirmed relation is no news."""
_ENTRIES = 100


def audit_page(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear audit` shows, a page at a time."""
    audited = view.audited
    values = {name: asked.text(name) for name in ("kind", "status", "name")}
    if audited is None:
        return site.page("audit.html", run=None, why=NO_AUDIT, kinds=KINDS, statuses=STATUSES, **values)
    report = _findings(view, audited, asked)
    page = asked.number("page")
    full = report.table.num_rows > ON_A_PAGE
    return site.page(
        "audit.html",
        run=audited.run,
        counts=audited.counts,
        tables=page_tables(site.forms.audit(_cut(report))),
        relatives=_relatives(report, asked.text("kind")),
        kinds=KINDS,
        statuses=STATUSES,
        page=page,
        before=address("/audit", **values, page=page - 1) if page > 1 else "",
        after=address("/audit", **values, page=page + 1) if full else "",
        **values,
    )


def audit_answer(site: Site, view: View, asked: Asked) -> Answer:
    """The run and its findings with the keys of `forebear audit --format json`, a page at a time."""
    audited = view.audited
    if audited is None:
        raise NotThere(NO_AUDIT)
    report = _findings(view, audited, asked)
    found = {
        "run": run_row(audited.run),
        "counts": audited.counts,
        "findings": rows_of(_cut(report).table),
        "page": asked.number("page"),
        "more": report.table.num_rows > ON_A_PAGE,
    }
    return json_answer(found)


def feed(site: Site, view: View, asked: Asked) -> Answer:
    """The findings of the newest audit that somebody should look at, the newest first, as an Atom feed (RFC 4287).

    A finding is as old as the first audit that had it. The feed's subtitle says how many are not in it.
    """
    run = view.audited and view.audited.run
    values = {"statuses": list(_TROUBLE), "most": _ENTRIES}
    rows = rows_of(some_findings(view.registry.connection, run, "newest", **values).table) if run else []
    updated = (run.finished_at if run else None) or datetime(1970, 1, 1)
    total = rows[0]["total"] if rows else 0
    shown = f"The newest {len(rows)} of {total}" if total > len(rows) else f"All {total}"
    subtitle = f"{shown} findings of audit {run.run_id} that need a look; /audit has all" if run else NO_AUDIT
    entries = [
        {
            "id": f"urn:forebear:{_digest(row)}",
            "title": f"{str(row['status']).replace('_', ' ')}: {row['query']} and {row['relative']}",
            "summary": str(row["reason"]),
            "link": address("/model", name=row["query_source"]),
            "updated": _stamp(row["since"]),
        }
        for row in rows
    ]
    return site.page("feed.xml", ATOM, entries=entries, updated=_stamp(updated), subtitle=subtitle)


def _stamp(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='seconds')}Z"


def _digest(row: Mapping[str, object]) -> str:
    """The same for the same finding of another run: a reader of the feed shows it once."""
    keys = ("kind", "status", "query_source", "component", "relative", "relative_source")
    return hashlib.blake2b("\n".join(str(row[key]) for key in keys).encode(), digest_size=12).hexdigest()


def _findings(view: View, audited: Audited, asked: Asked) -> AuditReport:
    kind = asked.text("kind")
    kinds = [kind] if kind else [k for k in KINDS if k != "relative"]
    skipped = (asked.number("page") - 1) * ON_A_PAGE
    return _page(view, audited, kinds, asked.text("status"), asked.text("name"), ON_A_PAGE + 1, skipped)


def _page(
    view: View, audited: Audited, kinds: Sequence[str], status: str, name: str, most: int, skipped: int
) -> AuditReport:
    """From memory where the run is kept there; a glob of a name is DuckDB's to match."""
    glob = any(mark in name for mark in "*?[")
    if audited.findings is not None and not glob:
        return audited.findings.page(kinds, status=status, part=name, most=most, skipped=skipped)
    values = {"kinds": list(kinds), "status": status, "most": most, "skipped": skipped}
    name = f"*{name}*" if name and not glob else name
    return some_findings(view.registry.connection, audited.run, "page", name=name, **values)


def _cut(report: AuditReport) -> AuditReport:
    """The report without the row that only says that there is another page."""
    return AuditReport(report.run, report.table.slice(0, ON_A_PAGE), ())


def _relatives(report: AuditReport, kind: str) -> list[dict[str, object]]:
    """Rows of further relatives, which the command shows in files alone."""
    return rows_of(report.table.slice(0, ON_A_PAGE)) if kind == "relative" else []
