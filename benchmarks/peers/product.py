"""forebear on the zoo, through its public API and with its own thresholds.

As they appeared: the registry starts with roots and strangers; every other model is asked for while it is a source that
the registry has never seen, as on the morning of its release, and is registered after that. Against all: once every
model is registered, roots, strangers, twins and rewritten models ask for as many ancestors as there are models, so that
every pair of theirs has its E-value: these are the unrelated pairs. All other derivatives ask for the nearest few, as a
user does, and what the answer leaves out has no score. The score is -log10 E.

Models are registered under numbers drawn at random: forebear sees no name, so no order of names can break a tie.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from forebear.queries.answers.records import Ancestor
from forebear.registry import AncestorsReport, Ingested, Registry

from .machine import commit
from .scoring import SCHEMA, Cost, peak_megabytes
from .truth import PAIR_SEED, Protocol, Zoo

NAME = "forebear"
ROWS = 64
"""Rows that a derivative asks for: enough for the larger families; a user sees ten unless asked."""
ANSWERS = pa.schema(
    [
        ("protocol", pa.string()),
        ("query", pa.string()),
        ("models", pa.int64()),
        ("verdict", pa.string()),
        ("names", pa.list_(pa.string())),
        ("ranks", pa.list_(pa.int64())),
        ("distances", pa.list_(pa.float64())),
        ("log10_evalues", pa.list_(pa.float64())),
        ("relation", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True, slots=True)
class Run:
    """Scores of ordered pairs, what was answered to derivatives and twins, and the cost."""

    scores: pa.Table
    answers: pa.Table
    cost: Cost


@dataclass(frozen=True, slots=True)
class Aliases:
    """The zoo under numbers: `path` of the link to a model's folder, by name, and `name` of a model by its link's."""

    path: Mapping[str, Path]
    name: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Grown:
    """What a growing registry answered; CPU seconds that registering took, and how many models could not be read."""

    answers: list[dict[str, object]]
    reading_seconds: float
    missed: int


def run(zoo: Zoo, folder: Path) -> Run:
    """Register the zoo model by model, asking each that arrives; then ask every model again."""
    with tempfile.TemporaryDirectory() as place, Registry(Path(place) / "registry.duckdb") as registry:
        aliases = anonymous(zoo, folder, Path(place))
        grown = as_they_appeared(registry, zoo, aliases)
        scores, answers, pair_seconds, wide_seconds = against_all(registry, zoo, aliases)
        query_seconds = plain_question(registry, zoo, aliases)
    notes = [f"a query of {1000 * query_seconds:.0f} ms is one with the usual ten rows; the ranks here come from"]
    notes[0] += f" queries for {ROWS} rows, of {1000 * wide_seconds:.0f} ms"
    notes += [f"{grown.missed} models could not be read"] if grown.missed else []
    cost = Cost(
        NAME,
        f"commit {commit()}",
        len(zoo.members),
        len(scores),
        grown.reading_seconds,
        pair_seconds,
        query_seconds,
        peak_megabytes(),
        "; ".join(notes),
    )
    return Run(scores, pa.Table.from_pylist([*grown.answers, *answers], schema=ANSWERS), cost)


def anonymous(zoo: Zoo, folder: Path, place: Path) -> Aliases:
    """Links of random numbers to the folders of the models."""
    numbers = np.random.default_rng(PAIR_SEED).permutation(len(zoo.members))
    path = {name: place / f"model{number:04}" for name, number in zip(zoo.members, numbers.tolist(), strict=True)}
    for name, link in path.items():
        link.symlink_to((folder / name).absolute(), target_is_directory=True)
    return Aliases(path, {link.name: name for name, link in path.items()})


def as_they_appeared(registry: Registry, zoo: Zoo, aliases: Aliases) -> Grown:
    """Fill the registry in the order of appearance; what it answered to every derivative and twin before that."""
    started = time.process_time()
    outcomes = list(registry.ingest(*(aliases.path[name] for name in zoo.standing)))
    reading = time.process_time() - started
    answers = []
    for name in zoo.arrivals:
        report = registry.ancestors(aliases.path[name], k=ROWS)
        answers.append(_answer(Protocol.AS_THEY_APPEARED, name, report, aliases))
        started = time.process_time()
        outcomes += registry.ingest(aliases.path[name])
        reading += time.process_time() - started
    return Grown(answers, reading, sum(not isinstance(outcome, Ingested) for outcome in outcomes))


def against_all(
    registry: Registry, zoo: Zoo, aliases: Aliases
) -> tuple[pa.Table, list[dict[str, object]], float, float]:
    """Rows of scores, answers, seconds a pair of the complete questions, and seconds of the others."""
    scores: list[tuple[str, str, str, float]] = []
    answers: list[dict[str, object]] = []
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for member in zoo.members.values():
        complete = not member.parents or member.rewritten
        started = time.process_time()
        report = registry.ancestors(aliases.path[member.name].name, k=len(zoo.members) if complete else ROWS)
        seconds[complete].append(time.process_time() - started)
        score = {aliases.name[row.name]: -row.log10_evalue for row in main_answer(report)}
        kin = [n for n, m in zoo.members.items() if n != member.name and (complete or m.root == member.root)]
        scores += [(NAME, member.name, other, score.get(other, math.nan)) for other in kin]
        if member.parents or member.initialisation:
            answers.append(_answer(Protocol.AGAINST_ALL, member.name, report, aliases))
    each = sum(seconds[True]) / max(1, len(seconds[True]) * (len(zoo.members) - 1))
    table = pa.table([list(column) for column in zip(*scores, strict=True)], schema=SCHEMA)
    question = sum(seconds[False]) / max(1, len(seconds[False]))
    return table, answers, each, question


def plain_question(registry: Registry, zoo: Zoo, aliases: Aliases) -> float:
    """CPU seconds of a query as a user asks it, about a derivative that is not rewritten."""
    asked = [aliases.path[m.name].name for m in zoo.derivatives if not m.rewritten]
    started = time.process_time()
    for name in asked:
        registry.ancestors(name)
    return (time.process_time() - started) / max(1, len(asked))


def _answer(protocol: Protocol, query: str, report: AncestorsReport, aliases: Aliases) -> dict[str, object]:
    """A row of ANSWERS: what the first rows say."""
    first: Sequence[Ancestor] = main_answer(report)[:ROWS]
    return {
        "protocol": str(protocol),
        "query": query,
        "models": report.registry_models,
        "verdict": report.verdict,
        "names": [aliases.name[row.name] for row in first],
        "ranks": [row.rank for row in first],
        "distances": [row.distance for row in first],
        "log10_evalues": [row.log10_evalue for row in first],
        "relation": list(first[0].relation) if first else [],
    }


def main_answer(report: AncestorsReport) -> tuple[Ancestor, ...]:
    """The ranked ancestors of the language component, or of the only one."""
    if not report.components:
        return ()
    named = {answer.component: answer.ancestors for answer in report.components}
    return named.get("language", report.components[0].ancestors)
