"""The answer to a case as the JSON that the contract promises, as rows, and what differs between two answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import TypeGuard

from ...queries.comparison.case.question import Case
from ...queries.comparison.case.records import CaseResult
from ...queries.comparison.records.document import plain_record
from ..reports.numbers import plain
from .provenance import case_fields

LEFT_OUT = frozenset({"provenance", "schema_version", "case_file"})
"""Parts of a document that differ between two runs without meaning anything: when, by what, and the case itself."""
_TOLERANCE = 1e-4
"""Of figures: machines add up floats in different orders."""


def case_document(case: Case, result: CaseResult) -> dict[str, object]:
    """Everything that was found, and under `case_file` the case with the revisions that were read."""
    revisions = {model.label: model.revision for model in result.models}
    found = {field.name: plain_record(getattr(result, field.name)) for field in fields(result)}
    return {"case_file": case_fields(case, revisions), **found}


def case_rows(result: CaseResult) -> list[dict[str, object]]:
    """A row for every pair, then one for every claim, all with the same keys."""
    pairs: list[dict[str, object]] = [
        {
            "row": "pair",
            "name": f"{pair.first}-{pair.second}",
            "first": pair.first,
            "second": pair.second,
            "metric": None,
            "published": pair.expected,
            "found": pair.verdict,
            "status": None,
            "null_low": None,
            "null_high": None,
            "log10_evalue": pair.log10_evalue,
            "identity": pair.identity,
            "coverage": pair.coverage,
            "direction": pair.direction.kind if pair.direction else None,
            "reason": pair.reason,
            "source": None,
        }
        for pair in result.pairs
    ]
    claims: list[dict[str, object]] = [
        {
            "row": "claim",
            "name": claim.name,
            "first": claim.models[0],
            "second": claim.models[1] if len(claim.models) > 1 else None,
            "metric": claim.metric,
            "published": claim.published,
            "found": claim.found,
            "status": claim.status,
            "null_low": claim.null_low,
            "null_high": claim.null_high,
            "log10_evalue": None,
            "identity": None,
            "coverage": None,
            "direction": None,
            "reason": claim.reason,
            "source": claim.source,
        }
        for claim in result.claims
    ]
    return pairs + claims


def differences(before: object, after: object, at: str = "") -> Iterator[tuple[str, object, object]]:
    """(place, value before, value after) of whatever differs between two documents; figures within 1e-4 are equal."""
    first, second = plain(before), plain(after)
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in [*first, *(key for key in second if key not in first)]:
            if at or key not in LEFT_OUT:
                yield from differences(first.get(key), second.get(key), f"{at}.{key}" if at else str(key))
    elif isinstance(first, list) and isinstance(second, list) and _files(first) and _files(second):
        yield from differences(_by_path(first), _by_path(second), at)
    elif isinstance(first, list) and isinstance(second, list):
        if len(first) != len(second):
            yield at, f"{len(first)} entries", f"{len(second)} entries"
        for number, pair in enumerate(zip(first, second, strict=False)):
            yield from differences(*pair, f"{at}[{number}]")
    elif not _equal(first, second):
        yield at, first, second


def _files(rows: list[object]) -> TypeGuard[list[Mapping[str, object]]]:
    """Whether these are files, which are told by their paths: one more of them moves all that follow."""
    return bool(rows) and all(isinstance(row, Mapping) and "path" in row for row in rows)


def _by_path(files: list[Mapping[str, object]]) -> dict[str, Mapping[str, object]]:
    return {str(file["path"]): file for file in files}


def _equal(first: object, second: object) -> bool:
    numbers = isinstance(first, int | float) and isinstance(second, int | float)
    if numbers and not isinstance(first, bool) and not isinstance(second, bool):
        return math.isclose(float(str(first)), float(str(second)), rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return first == second
