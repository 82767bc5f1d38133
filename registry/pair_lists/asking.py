"""Every pair of a list asked in the registry of its models, each by the question that a user asks: for ancestors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb

from ..reports.ancestors import AncestorsReport
from ..reports.asking import ask
from ..store.models import Model
from .pair_list import ListedPair, PairList
from .reading import ReadModels

Status = Literal["related", "unrelated", "inconclusive", "not read"]
"""What is said of a pair; `inconclusive` where too little of the two could be compared."""


@dataclass(frozen=True, slots=True)
class AskedPair:
    """The answer to one pair, seen from its `model`.

    `log10_evalue` is the least over components, times their number; None where nothing was compared.
    """

    pair: ListedPair
    status: Status
    log10_evalue: float | None = None
    identity: float | None = None
    coverage: float | None = None
    direction: str = ""
    ancestor_probability: float | None = None
    reason: str = ""

    @property
    def right(self) -> bool | None:
        """Whether the answer is the truth; a related pair that is inconclusive is missed.

        None where the truth is not one of weights, a model was not read, or nothing is said of an unrelated pair.
        """
        if self.status == "not read" or self.pair.truth not in {"related", "unrelated"}:
            return None
        if self.pair.truth == "unrelated" and self.status == "inconclusive":
            return None
        return self.status == self.pair.truth


def ask_pairs(
    connection: duckdb.DuckDBPyConnection,
    listed: PairList,
    read: ReadModels,
    models: int,
    advance: Callable[[str, int, int], None],
) -> list[AskedPair]:
    """The answers to all pairs, in their order; each first model of a pair is asked about once.

    `models` are in the registry: as many rows are asked for, so that no other model of a pair is left out.
    """
    by_model: dict[str, list[int]] = {}
    for number, pair in enumerate(listed.pairs):
        by_model.setdefault(pair.model, []).append(number)
    found: dict[int, AskedPair] = {}
    for done, (name, numbers) in enumerate(by_model.items()):
        advance("questions", done, len(by_model))
        pairs = [listed.pairs[number] for number in numbers]
        found |= zip(numbers, _answers(connection, name, pairs, read, models), strict=True)
    advance("questions", len(by_model), len(by_model))
    return [found[number] for number in range(len(listed.pairs))]


def _answers(
    connection: duckdb.DuckDBPyConnection, name: str, pairs: Sequence[ListedPair], read: ReadModels, models: int
) -> list[AskedPair]:
    """What the registry says of the pairs of one model, from one question."""
    model = read.models.get(name)
    report = ask(connection, model, models) if model else None
    return [_answer(pair, report, read) for pair in pairs]


def _answer(pair: ListedPair, report: AncestorsReport | None, read: ReadModels) -> AskedPair:
    other = read.models.get(pair.other)
    if report is None or other is None:
        missing = next((name for name in (pair.model, pair.other) if name not in read.models), pair.other)
        return AskedPair(pair, "not read", reason=f"{missing}: {read.missing.get(missing, 'not in the registry')}")
    rows = [row for answer in report.components for row in answer.ancestors if row.model_id == other.model_id]
    same = any(equal.source == other.uri for equal in report.equal_content)
    if not rows:
        return _without_rows(pair, report, other, same)
    row = min(rows, key=lambda one: (one.origin is None, one.log10_evalue))
    least = min(one.log10_evalue for one in rows) + math.log10(len(report.components))
    unlike: Status = "unrelated" if row.evidence else "inconclusive"
    return AskedPair(
        pair,
        "related" if row.origin is not None or same else unlike,
        least,
        row.identity,
        row.coverage,
        row.direction,
        row.direction_probability,
        row.reason,
    )


def _without_rows(pair: ListedPair, report: AncestorsReport, other: Model, same: bool) -> AskedPair:
    """Nothing of the two was compared: the contents may still be equal."""
    if same:
        return AskedPair(pair, "related", -math.inf, 1.0, 1.0, reason="every value that was read is equal")
    kinds = ", ".join(answer.component for answer in report.components) or "no component"
    return AskedPair(pair, "inconclusive", reason=f"{other.name} has nothing to compare with {kinds}")
