"""Batches of an audit: which models each needs, and their rows, read by the coordinator or by the worker.

A registry file is read by the process that opened it, which hands rows to the workers. A catalogue in PostgreSQL with
its Parquet files on shared storage is read by every worker for itself: the coordinator sends numbers of models alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeVar

import duckdb

from ...queries.answers.audit_batch import Answers, Batch, Facts, Task, evaluate
from ...queries.data.query import rows_of_models
from ...queries.sql import statement
from ..jobs.engines import Engine
from ..store.database import open_database
from ..store.lake import LakePlace
from .door import MEMORY, Door
from .scope import Scope

BATCH_PAIRS, BATCH_MODELS = 1_500, 256
"""A batch ends when it has so many pairs, or names so many models: some seconds of work and 100 MB of fingerprints."""
Asked = TypeVar("Asked")
Rows = TypeVar("Rows")
Found = TypeVar("Found")
Links = Mapping[tuple[int, int], tuple[bool, bool]]
"""Of (query, other): whether the query names the other as its parent, and the reverse."""


@dataclass(frozen=True, slots=True)
class Order:
    """A batch without rows: what a worker needs to know to read them."""

    run_id: int
    newest: int
    tasks: tuple[Task, ...]
    declared: Links
    roots: Mapping[int, str]

    @property
    def models(self) -> list[int]:
        """Every model that a task names, ascending."""
        return sorted({t.query_id for t in self.tasks} | {model for t in self.tasks for model, _ in t.candidates})

    @property
    def pairs(self) -> int:
        """Pairs of components to compare."""
        return sum(len(task.candidates) for task in self.tasks)


def orders(scope: Scope, tasks: Sequence[Task], declared: Links, roots: Mapping[int, str]) -> Iterator[Order]:
    """Tasks that come one behind the other, in batches."""
    for some in _cut(tasks):
        links = {
            pair: declared[pair] for t in some for model, _ in t.candidates if (pair := (t.query_id, model)) in declared
        }
        named = {t.query_id for t in some} | {model for t in some for model, _ in t.candidates}
        claims = {model: roots[model] for model in sorted(named) if model in roots}
        yield Order(scope.run_id, scope.newest, tuple(some), links, claims)


def _cut(tasks: Sequence[Task]) -> Iterator[list[Task]]:
    batch: list[Task] = []
    pairs, named = 0, set[int]()
    for task in tasks:
        batch.append(task)
        pairs += len(task.candidates) + 1
        named.update((task.query_id, *(model for model, _ in task.candidates)))
        if pairs >= BATCH_PAIRS or len(named) >= BATCH_MODELS:
            yield batch
            batch, pairs, named = [], 0, set()
    if batch:
        yield batch


def filled(connection: duckdb.DuckDBPyConnection, order: Order) -> Batch:
    """A batch with the rows of all its models. One that was removed meanwhile has none, and takes no part."""
    models = order.models
    tables = rows_of_models(connection, models)
    rows = connection.execute(statement("models/facts"), {"models": models}).fetchall()
    facts: dict[int, Facts] = {model: (name, uri, released) for model, name, uri, _, released in rows}
    return Batch(order.run_id, order.newest, order.tasks, tables, facts, order.declared, order.roots)


def answered(door: Door, engine: Engine, coming: Sequence[Order]) -> Iterator[tuple[Order, Answers]]:
    """Every batch with its answers, in order, computed by the engine."""
    return computed(door, engine, coming, filled, evaluate)


def computed(
    door: Door,
    engine: Engine,
    coming: Iterable[Asked],
    read: Callable[[duckdb.DuckDBPyConnection, Asked], Rows],
    work: Callable[[Rows], Found],
) -> Iterator[tuple[Asked, Found]]:
    """Everything that is asked, in order, with what `work` makes of what `read` reads for it: importable functions.

    Where workers can open the registry they read for themselves; else the coordinator does, in moments.
    """
    if isinstance(door.place, str) and is_shared(door.place):
        yield from engine.map(partial(_computed_at, door.place, read, work), coming)
        return
    order = deque[Asked]()

    def loaded() -> Iterator[Rows]:
        for asked in coming:
            with door.reading() as connection:
                rows = read(connection, asked)
            order.append(asked)
            yield rows

    for _, found in engine.map(work, loaded()):
        yield order.popleft(), found


def is_shared(catalogue: str) -> bool:
    """Whether workers can open a catalogue while the coordinator has it open."""
    return LakePlace.parse(catalogue).is_postgres


def _computed_at(
    place: str,
    read: Callable[[duckdb.DuckDBPyConnection, Asked], Rows],
    work: Callable[[Rows], Found],
    asked: Asked,
) -> Found:
    """What `work` makes of what this process reads from the catalogue at `place`."""
    return work(read(_connection(place), asked))


@cache
def _connection(place: str) -> duckdb.DuckDBPyConnection:
    """A connection that stays open in a worker: opening one takes as long as a hundred pairs."""
    connection = open_database(place, read_only=True)
    connection.execute(MEMORY)
    connection.execute("SET threads = 1")
    return connection
