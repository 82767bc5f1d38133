"""Findings that somebody accepts: a file that is kept beside the code which runs the audit.

The file is CSV with names of columns in its first line; lines that begin with # are remarks:

    kind,status,query,relative,reason,expires
    # our own continuations, cards to follow
    ancestor,undeclared,our-org/*,meta-llama/*,cards follow with release 2,2027-03-31
    licence,conflict,our-org/demo,*,written permission of 3 May 2026,

`kind` and `status` are words of a finding, or * for any. `query` and `relative` are globs without case over the name or
the source of the two models. A `reason` must be given. `expires` may be left out, as a value or as a column: it is the
last day (UTC) on which the line holds.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from fnmatch import translate
from pathlib import Path

import pyarrow as pa

from ...ingest.errors import FormatError
from .report import AuditReport, rows_of

STATUSES: Mapping[str, tuple[str, ...]] = {
    "ancestor": ("confirmed", "undeclared", "direction_unknown"),
    "inferred": ("missing", "found"),
    "declaration": ("contradicted", "not_comparable"),
    "recipe": ("recipe_confirmed", "recipe_contradicted", "recipe_not_checkable"),
    "licence": ("conflict", "not_judged"),
    "duplicate": ("confirmed", "undeclared"),
    "relative": ("related",),
}
"""Kind of a finding -> what its status can be."""
_REQUIRED = ("kind", "status", "query", "relative", "reason")
_COLUMNS = (*_REQUIRED, "expires")
_MOST_BYTES = 16 << 20
"""A longer file is no list that people keep."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """One line of the file: which findings are accepted, why, and until when."""

    line: int
    kind: str
    status: str
    query: str
    relative: str
    reason: str
    expires: date | None = None

    def holds(self, today: date) -> bool:
        """Whether it has not expired."""
        return self.expires is None or today <= self.expires


def read_waivers(path: Path) -> tuple[Waiver, ...]:
    """The lines of a file of waivers.

    Raises FormatError with the line for what cannot be read or says nothing, OSError for a file that is not there.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise FormatError(f"{path}: is larger than {_MOST_BYTES >> 20} MiB, so no list of accepted findings")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: is not UTF-8 text") from error
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    return tuple(_waivers(path, lines))


def _waivers(path: Path, lines: Sequence[tuple[int, str]]) -> Iterator[Waiver]:
    names: tuple[str, ...] | None = None
    for number, line in lines:
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], strict=True))]
        except csv.Error as error:
            raise FormatError(f"{path}, line {number}: is no CSV: {error}") from error
        if names is None:
            names = tuple(cell.lower() for cell in cells)
            if not set(_REQUIRED) <= set(names) <= set(_COLUMNS) or len(set(names)) != len(names):
                raise FormatError(f"{path}, line {number}: must name the columns {','.join(_COLUMNS)}")
        elif len(cells) > len(names):
            raise FormatError(f"{path}, line {number}: has {len(cells)} values for {len(names)} columns; quote commas")
        else:
            yield _waiver(path, number, dict(zip(names, cells, strict=False)))


def _waiver(path: Path, line: int, row: Mapping[str, str]) -> Waiver:
    for name in _REQUIRED:
        if not row.get(name):
            raise FormatError(f"{path}, line {line}: lacks a {name}; write * for any kind, status or model")
    kind, status = row["kind"], row["status"]
    if kind not in {"*", *STATUSES}:
        raise FormatError(f"{path}, line {line}: {kind!r} is no kind of finding: {', '.join(STATUSES)} or *")
    known = STATUSES[kind] if kind != "*" else tuple(dict.fromkeys(s for one in STATUSES.values() for s in one))
    if status not in {"*", *known}:
        raise FormatError(f"{path}, line {line}: {status!r} is no status of {kind}: {', '.join(known)} or *")
    text = row.get("expires", "")
    try:
        expires = date.fromisoformat(text) if text else None
    except ValueError as error:
        raise FormatError(f"{path}, line {line}: {text!r} is no date; write 2027-03-31") from error
    return Waiver(line, kind, status, row["query"], row["relative"], row["reason"], expires)


def accepted(report: AuditReport, waivers: Sequence[Waiver], today: date | None = None) -> AuditReport:
    """The report with the reason of the first waiver that takes each finding; `today` (UTC) is for what expires."""
    day = today or datetime.now(UTC).date()
    rules = [(waiver, _matcher(waiver.query), _matcher(waiver.relative)) for waiver in waivers if waiver.holds(day)]
    reasons: list[str | None] = []
    used = set[int]()
    for row in rows_of(report.table) if rules else ():
        takes = next((w for w, query, relative in rules if _takes(w, query, relative, row)), None)
        reasons.append(takes.reason if takes else None)
        used.update({takes.line} if takes else ())
    column = pa.array(reasons or [None] * report.table.num_rows, pa.string())
    table = report.table.set_column(report.table.column_names.index("accepted"), "accepted", column)
    unused = tuple(_unused(waiver, day) for waiver in waivers if waiver.line not in used)
    return replace(report, table=table, unused=unused)


def _matcher(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob.lower()))


def _takes(waiver: Waiver, query: re.Pattern[str], relative: re.Pattern[str], row: Mapping[str, object]) -> bool:
    return (
        waiver.kind in {"*", row["kind"]}
        and waiver.status in {"*", row["status"]}
        and any(query.match(str(row[name]).lower()) for name in ("query", "query_source"))
        and any(relative.match(str(row[name] or "").lower()) for name in ("relative", "relative_source"))
    )


def _unused(waiver: Waiver, day: date) -> str:
    """Why a line accepts nothing, for people who keep the file."""
    what = f"line {waiver.line} ({waiver.kind} {waiver.status}: {waiver.query}, {waiver.relative})"
    return f"{what} accepts nothing" if waiver.holds(day) else f"{what} expired on {waiver.expires}"
