"""What an audit would take, from a sample of its own work on this machine; nothing is written.

A sample of the models is compared by sketch with all others, which gives the pairs that are expected and the seconds of
the candidate stage; some of those pairs get the full evidence, which gives the seconds of a pair and the memory of a
model. Both are then multiplied. Recipes and findings are not counted: in registries of ten thousand models and more
they take less than a tenth of the time.

Limitations: pairs are as accurate as a sample of SAMPLE models is, families of thousands less so; seconds are those of
a machine that does as much beside as it did during the sample.
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass, replace

import duckdb
import numpy as np

from ...queries.answers.audit_batch import Task, evaluate
from ...queries.search.all_pairs import Sketches, near_pairs
from ...queries.sql import statement
from ..jobs.engines import AHEAD
from .batches import BATCH_MODELS, filled, orders
from .plan import NEAREST_UP_TO, read_plan
from .run import FEW_PAIRS, FEW_SKETCHES, RULES, AuditOptions, processes, selected
from .scope import Scope

SAMPLE = 500
"""Models that are compared with all others: of 100,000, 4 s."""
TIMED_PAIRS = 48
"""Pairs whose evidence is computed: a second."""
_DATABASE_MEGABYTES = 1_000
"""What the database may take, as `door` limits it."""


@dataclass(frozen=True, slots=True)
class AuditCost:
    """What is expected of an audit.

    `models` are asked about and `against` compared with; `kept` components of models have answers that hold unless a
    new model is near them. `pairs` are those of components that get the full evidence. `seconds` is the sum of
    `sketch_seconds` and `evidence_seconds`, with `jobs` processes; `megabytes` is the memory of all of them.
    """

    models: int
    against: int
    components: int
    kept: int
    sampled: int
    pairs: int
    jobs: int
    sketch_seconds: float
    evidence_seconds: float
    megabytes: int

    @property
    def seconds(self) -> float:
        """Of the whole audit, without recipes and findings."""
        return self.sketch_seconds + self.evidence_seconds

    def row(self) -> dict[str, object]:
        """The cost with the keys of the JSON contract."""
        return {
            "models": self.models,
            "against": self.against,
            "components": self.components,
            "kept": self.kept,
            "sampled": self.sampled,
            "pairs": self.pairs,
            "jobs": self.jobs,
            "seconds": round(self.seconds, 1),
            "sketch_seconds": round(self.sketch_seconds, 1),
            "evidence_seconds": round(self.evidence_seconds, 1),
            "megabytes": self.megabytes,
        }


@dataclass(frozen=True, slots=True)
class _Sample:
    """Of one kind of component and one state of answers: what a sample of `queries` components says of all."""

    queries: int
    sampled: int
    near: int
    pairs: int
    seconds: float
    tasks: tuple[Task, ...]

    @property
    def share(self) -> float:
        return self.queries / max(1, self.sampled)


def audit_cost(connection: duckdb.DuckDBPyConnection, options: AuditOptions) -> AuditCost:
    """What `run_audit` with these options would take; raises RegistryError where no model passes the filters."""
    asked = selected(connection, options.queries, options.since, "--query")
    against = selected(connection, options.against, None, "--against")
    newest = connection.execute(statement("audit/state")).fetchall()[0][1]
    scope = Scope(0, newest, asked, against, "")  # no run has this number
    wanted = {"against": options.against, "whole": options.whole, "rules": RULES}
    tasks, sketches = read_plan(connection, scope, wanted)
    named = {"models": asked, "against": options.against, "rules": RULES}
    kept_pairs = float(connection.execute(statement("audit/base_pairs"), named).fetchall()[0][0] or 0.0)
    known = {(q, c): s for q, c, s in zip(*(tasks[n].to_pylist() for n in _TASK), strict=True)}
    samples = [s for found in sketches.values() for s in _samples(found, known, scope)]
    pairs = sum(s.share * (s.pairs + (s.near * kept_pairs if old else 0)) for old, s in samples)
    a_pair, a_model = _evidence(connection, scope, [task for _, s in samples for task in s.tasks])
    jobs = processes(options, pairs, FEW_PAIRS)
    sketch_jobs = processes(options, len(asked) * len(against), FEW_SKETCHES)
    others = jobs if jobs > 1 else 0
    held = a_model * min(BATCH_MODELS, len(against)) * (jobs * (AHEAD + 1) if others else 1)
    return AuditCost(
        models=len(asked),
        against=len(against),
        components=tasks.num_rows,
        kept=tasks.num_rows - sum(tasks["evaluate"].to_pylist()),
        sampled=sum(s.sampled for _, s in samples),
        pairs=round(pairs),
        jobs=jobs,
        sketch_seconds=sum(s.seconds * s.share / (1 if old else 2) for old, s in samples) / sketch_jobs,
        evidence_seconds=pairs * a_pair / jobs,
        megabytes=round(_resident() * (1 + others) + _DATABASE_MEGABYTES + held),
    )


_TASK = ("query_id", "component", "seen_until")


def _samples(found: Sketches, known: dict[tuple[int, str], int | None], scope: Scope) -> list[tuple[bool, _Sample]]:
    """Of components of one kind without an answer, and of those with one: whether they have one, and their sample."""
    places = [(int(m), str(c)) for m, c in zip(found.model, found.component, strict=True)]
    columns = found.take(np.flatnonzero(np.isin(found.model, scope.against)))
    samples = []
    for old in (False, True):
        rows = np.array([i for i, p in enumerate(places) if p in known and (known[p] is not None) == old], np.int64)
        if not len(rows):
            continue
        seen = min((s for i in rows.tolist() if (s := known[places[i]]) is not None), default=-1)
        new = columns.take(np.flatnonzero(columns.model > seen))
        some = rows[np.unique(np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.int64))]
        samples.append((old, _sample(found.take(some), new, len(rows), scope)))
    return samples


def _sample(some: Sketches, columns: Sketches, queries: int, scope: Scope) -> _Sample:
    began = time.process_time()
    nearest = len(scope.against) <= NEAREST_UP_TO
    near = [n for n in near_pairs(some, columns, models=len(scope.against), nearest=nearest) if len(columns)]
    seconds = time.process_time() - began
    candidates: dict[int, list[tuple[int, str]]] = {}
    for one in near:
        for query, column in zip(one.query.tolist(), one.column.tolist(), strict=True):
            candidates.setdefault(query, []).append((int(columns.model[column]), str(columns.component[column])))
    tasks = tuple(
        Task(int(some.model[query]), str(some.component[query]), tuple(sorted(places)), len(scope.against))
        for query, places in candidates.items()
    )
    return _Sample(queries, len(some), len(candidates), sum(map(len, candidates.values())), seconds, tasks)


def _evidence(connection: duckdb.DuckDBPyConnection, scope: Scope, tasks: list[Task]) -> tuple[float, float]:
    """Seconds of a pair and megabytes of a model, from some of the tasks; 0 where there are none."""
    chosen: list[Task] = []
    left = TIMED_PAIRS
    for task in tasks:
        if left <= 0:
            break
        chosen.append(replace(task, candidates=task.candidates[:left]))
        left -= len(task.candidates)
    if not chosen:
        return 0.0, 0.0
    (order, *_) = orders(scope, chosen, {}, {})
    batch = filled(connection, order)
    held = sum(table.nbytes for table in batch.tables.values()) / 1e6 / len(order.models)
    began = time.process_time()
    evaluate(batch)
    return (time.process_time() - began) / max(1, order.pairs), held


def _resident() -> float:
    """The most megabytes that this process had: a worker loads the same modules."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)
