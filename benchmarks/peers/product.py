"""forebear on the zoo, through its public API and with its own thresholds.

Detection: every model asks for as many ancestors as there are models, so every ordered pair has its E-value; the
score is -log10 E. Ranking: every derivative asks as a user would, for ten.
"""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from forebear.queries.ancestors import Ancestor
from forebear.registry import AncestorsReport, Ingested, Registry

from .scoring import SCHEMA, Cost, peak_megabytes
from .truth import Zoo

NAME = "forebear"
ANSWERS = pa.schema(
    [
        ("query", pa.string()),
        ("verdict", pa.string()),
        ("names", pa.list_(pa.string())),
        ("ranks", pa.list_(pa.int64())),
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
        scores, pair_seconds = _scores(registry, zoo)
        answers, query_seconds = _answers(registry, zoo)
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


def _scores(registry: Registry, zoo: Zoo) -> tuple[pa.Table, float]:
    """-log10 E of every ordered pair; a candidate that the answer leaves out has no score."""
    rows: list[tuple[str, str, str, float]] = []
    started = time.process_time()
    for query in zoo.members:
        found = {row.name: -row.log10_evalue for row in main_answer(registry.ancestors(query, k=len(zoo.members)))}
        rows += [(NAME, query, other, found.get(other, math.nan)) for other in zoo.members if other != query]
    seconds = (time.process_time() - started) / len(rows)
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=SCHEMA), seconds


def _answers(registry: Registry, zoo: Zoo) -> tuple[pa.Table, float]:
    """What a user is told of every derivative and twin, and the mean seconds of such a question."""
    asked = [m.name for m in zoo.members.values() if m.parents or m.initialisation]
    rows = []
    started = time.process_time()
    for query in asked:
        report = registry.ancestors(query)
        found = main_answer(report)
        rows.append(
            {
                "query": query,
                "verdict": report.verdict,
                "names": [row.name for row in found],
                "ranks": [row.rank for row in found],
                "relation": list(found[0].relation) if found else [],
            }
        )
    seconds = (time.process_time() - started) / max(1, len(asked))
    return pa.Table.from_pylist(rows, schema=ANSWERS), seconds


def main_answer(report: AncestorsReport) -> tuple[Ancestor, ...]:
    """The ranked ancestors of the language component, or of the only one."""
    if not report.components:
        return ()
    named = {answer.component: answer.ancestors for answer in report.components}
    return named.get("language", report.components[0].ancestors)
