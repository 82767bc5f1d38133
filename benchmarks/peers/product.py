"""forebear on the zoo, through its public API and with its own thresholds.

Roots, strangers, twins and rewritten models ask for as many ancestors as there are models, so that every pair of theirs
has its E-value: these are the unrelated pairs. All other derivatives ask for the nearest few, as a user does, and what
the answer leaves out has no score. The score is -log10 E.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from forebear.queries.records import Ancestor
from forebear.registry import AncestorsReport, Ingested, Registry

from .scoring import SCHEMA, Cost, peak_megabytes
from .truth import Zoo

NAME = "forebear"
ROWS = 64
"""Rows that a derivative asks for: enough for the larger families; a user sees ten unless asked."""
ANSWERS = pa.schema(
    [
        ("query", pa.string()),
        ("verdict", pa.string()),
        ("names", pa.list_(pa.string())),
        ("ranks", pa.list_(pa.int64())),
        ("distances", pa.list_(pa.float64())),
        ("relation", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True, slots=True)
class Run:
    """Scores of ordered pairs, what was answered to derivatives and twins, and the cost."""

    scores: pa.Table
    answers: pa.Table
    cost: Cost


def run(zoo: Zoo, folder: Path) -> Run:
    """Register the zoo and ask for every model's ancestors."""
    with tempfile.TemporaryDirectory() as place, Registry(Path(place) / "registry.duckdb") as registry:
        started = time.process_time()
        outcomes = registry.ingest(*(folder / name for name in zoo.members))
        reading = time.process_time() - started
        missed = [o for o in outcomes if not isinstance(o, Ingested)]
        scores, answers, pair_seconds, query_seconds = _ask(registry, zoo)
    cost = Cost(
        NAME,
        "this repository",
        len(zoo.members),
        len(scores),
        reading,
        pair_seconds,
        query_seconds,
        peak_megabytes(),
        f"{len(missed)} models could not be read" if missed else "",
    )
    return Run(scores, answers, cost)


def _ask(registry: Registry, zoo: Zoo) -> tuple[pa.Table, pa.Table, float, float]:
    """Rows of scores, answers, seconds a pair of the complete questions, and seconds of the others."""
    scores: list[tuple[str, str, str, float]] = []
    answers: list[dict[str, object]] = []
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for member in zoo.members.values():
        complete = not member.parents or member.rewritten
        started = time.process_time()
        report = registry.ancestors(member.name, k=len(zoo.members) if complete else ROWS)
        seconds[complete].append(time.process_time() - started)
        found = main_answer(report)
        score = {row.name: -row.log10_evalue for row in found}
        kin = [n for n, m in zoo.members.items() if n != member.name and (complete or m.root == member.root)]
        scores += [(NAME, member.name, other, score.get(other, math.nan)) for other in kin]
        if member.parents or member.initialisation:
            answers.append(_answer(member.name, report.verdict, found))
    each = sum(seconds[True]) / max(1, len(seconds[True]) * (len(zoo.members) - 1))
    table = pa.table([list(column) for column in zip(*scores, strict=True)], schema=SCHEMA)
    question = sum(seconds[False]) / max(1, len(seconds[False]))
    return table, pa.Table.from_pylist(answers, schema=ANSWERS), each, question


def _answer(query: str, verdict: str, found: Sequence[Ancestor]) -> dict[str, object]:
    """A row of ANSWERS: what the first rows say."""
    first = found[:ROWS]
    return {
        "query": query,
        "verdict": verdict,
        "names": [row.name for row in first],
        "ranks": [row.rank for row in first],
        "distances": [row.distance for row in first],
        "relation": list(found[0].relation) if found else [],
    }


def main_answer(report: AncestorsReport) -> tuple[Ancestor, ...]:
    """The ranked ancestors of the language component, or of the only one."""
    if not report.components:
        return ()
    named = {answer.component: answer.ancestors for answer in report.components}
    return named.get("language", report.components[0].ancestors)
