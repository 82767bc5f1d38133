"""forebear on the zoo, through its public API and with its own thresholds.

As they appeared: the registry starts with roots and strangers; every other model is asked for while it is a source that
the registry has never seen, as on the morning of its release, said to be the newest, and is registered after that.
Against all: once every model is registered, roots, strangers, twins and rewritten models ask for as many ancestors as
there are models, so that every pair of theirs has its E-value: these are the unrelated pairs. All other derivatives ask
for the nearest few, as a user does, and what the answer leaves out has no score. The score is -log10 E.

Models are registered under numbers drawn at random: forebear sees no name, so no order of names can break a tie.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from forebear.queries.answers.records import Ancestor
from forebear.registry import AncestorsReport, Ingested, Registry

from .machine import commit
from .progress import Content, Progress
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


def run(zoo: Zoo, folder: Path, place: Path | None = None) -> Run:
    """Register the zoo model by model, asking each that arrives; then ask every model again.

    With `place`, a folder, a run that was stopped goes on with the registry and the answers that it left there.
    """
    with contextlib.ExitStack() as stack:
        at = place or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        at.mkdir(parents=True, exist_ok=True)
        registry = stack.enter_context(Registry(at / "registry.duckdb"))
        progress = Progress(at / "progress.jsonl")
        aliases = anonymous(zoo, folder, at)
        grown = as_they_appeared(registry, zoo, aliases, progress)
        scores, answers, pair_seconds, wide_seconds = against_all(registry, zoo, aliases, progress)
        query_seconds = plain_question(registry, zoo, aliases, progress)
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
    """Links of random numbers to the folders of the models; those that a stopped run left in `place` stay."""
    left = {link.resolve().name: link for link in place.glob("model[0-9]*") if link.is_symlink()}
    numbers = np.random.default_rng(PAIR_SEED).permutation(len(zoo.members))
    path = {name: place / f"model{number:04}" for name, number in zip(zoo.members, numbers.tolist(), strict=True)}
    path |= {name: link for name, link in left.items() if name in path}
    for name, link in path.items():
        if name not in left:
            link.symlink_to((folder / name).absolute(), target_is_directory=True)
    return Aliases(path, {link.name: name for name, link in path.items()})


def as_they_appeared(registry: Registry, zoo: Zoo, aliases: Aliases, progress: Progress) -> Grown:
    """Fill the registry in the order of appearance; what it answered to every derivative and twin before that."""
    known = {model.name for model in registry.models()}

    def registered(name: str) -> Content:
        started = time.process_time()
        missed = sum(not isinstance(outcome, Ingested) for outcome in registry.ingest(aliases.path[name]))
        return {"seconds": time.process_time() - started, "missed": missed}

    def asked(name: str) -> Content:
        if aliases.path[name].name in known:  # a run was stopped between this answer and its record
            registry.remove(aliases.path[name].name)
        report = registry.ancestors(aliases.path[name], k=ROWS, assume_newest=True)
        return registered(name) | {"answer": _answer(Protocol.AS_THEY_APPEARED, name, report, aliases)}

    def standing(name: str) -> Content:
        return {"seconds": 0.0, "missed": 0} if aliases.path[name].name in known else registered(name)

    kept = [progress.once("standing", name, partial(standing, name)) for name in zoo.standing]
    grown = [progress.once("appeared", name, partial(asked, name)) for name in zoo.arrivals]
    every = [*kept, *grown]
    answers = [one["answer"] for one in grown]
    return Grown(answers, sum(one["seconds"] for one in every), sum(one["missed"] for one in every))


def against_all(
    registry: Registry, zoo: Zoo, aliases: Aliases, progress: Progress
) -> tuple[pa.Table, list[dict[str, object]], float, float]:
    """Rows of scores, answers, seconds a pair of the complete questions, and seconds of the others."""
    scores: list[tuple[str, str, str, float]] = []
    answers: list[dict[str, object]] = []
    seconds: dict[bool, list[float]] = {True: [], False: []}

    def asked(name: str, rows: int) -> Content:
        started = time.process_time()
        report = registry.ancestors(aliases.path[name].name, k=rows)
        taken = time.process_time() - started
        score = {aliases.name[row.name]: -row.log10_evalue for row in main_answer(report)}
        return {"seconds": taken, "score": score, "answer": _answer(Protocol.AGAINST_ALL, name, report, aliases)}

    for member in zoo.members.values():
        complete = not member.parents or member.rewritten
        rows = len(zoo.members) if complete else ROWS
        found = progress.once("against all", member.name, partial(asked, member.name, rows))
        seconds[complete].append(found["seconds"])
        kin = [n for n, m in zoo.members.items() if n != member.name and (complete or m.root == member.root)]
        scores += [(NAME, member.name, other, found["score"].get(other, math.nan)) for other in kin]
        if member.parents or member.initialisation:
            answers.append(found["answer"])
    each = sum(seconds[True]) / max(1, len(seconds[True]) * (len(zoo.members) - 1))
    table = pa.table([list(column) for column in zip(*scores, strict=True)], schema=SCHEMA)
    question = sum(seconds[False]) / max(1, len(seconds[False]))
    return table, answers, each, question


def plain_question(registry: Registry, zoo: Zoo, aliases: Aliases, progress: Progress) -> float:
    """CPU seconds of a query as a user asks it, about a derivative that is not rewritten."""

    def asked(name: str) -> Content:
        started = time.process_time()
        registry.ancestors(aliases.path[name].name)
        return {"seconds": time.process_time() - started}

    found = [progress.once("plain", m.name, partial(asked, m.name)) for m in zoo.derivatives if not m.rewritten]
    return sum(one["seconds"] for one in found) / max(1, len(found))


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
