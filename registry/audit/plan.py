"""What an audit has to compute: candidates of every query by sketch, then batches of queries that share relatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...queries.answers.audit_batch import Batch, Facts, Task
from ...queries.data.query import rows_of_models
from ...queries.search.all_pairs import Sketches, near_pairs, sketches_by_kind
from ...queries.sql import statement
from .groups import groups_of
from .scope import Scope

Progress = Callable[[str, int, int], None]
"""What is done, and how much of how much."""

RELATED_Z = 8.0
"""Queries that are nearer than this go into one batch; no two unrelated models of any registry are."""
_PAIRS, _MODELS = 1_500, 256
"""A batch ends when it has so many pairs, or names so many models: some seconds of work and 100 MB of fingerprints."""
NEAREST_UP_TO = 500
"""Models up to which the nearest of every new query are looked at whatever their z, as `forebear ancestors` does: 24
pairs of 10 ms a model, so two minutes on one core; with 20,000 models it would be an hour and a half."""


def find_candidates(connection: duckdb.DuckDBPyConnection, scope: Scope, advance: Progress) -> None:
    """Fill `audit_candidate` by sketch. A task with an earlier answer is compared with what is new since then alone."""
    everyone = sorted({*scope.asked, *scope.against})
    table = connection.sql(statement("search/all_sketches"), params={"models": everyone}).to_arrow_table()
    tasks = connection.sql(statement("audit/planned")).to_arrow_table()
    asked = _number(tasks["query_id"]), tasks["component"].to_numpy(zero_copy_only=False)
    seen = np.nan_to_num(_float(tasks["seen_until"]), nan=-1).astype(np.int64)
    earlier = {(int(q), str(c)): int(s) for q, c, s in zip(*asked, seen, strict=True)}
    done = 0
    for sketches in sketches_by_kind(table).values():
        mine = np.array([(int(m), str(c)) in earlier for m, c in zip(sketches.model, sketches.component, strict=True)])
        queries = sketches.take(np.flatnonzero(mine))
        columns = sketches.take(np.flatnonzero(np.isin(sketches.model, scope.against)))
        known = zip(queries.model, queries.component, strict=True)
        since = np.array([earlier[int(m), str(c)] for m, c in known], np.int64)
        for until in np.unique(since):
            some = np.flatnonzero(since == until)
            new = columns if until < 0 else columns.take(np.flatnonzero(columns.model > until))
            if len(new):
                nearest = until < 0 and len(scope.against) <= NEAREST_UP_TO
                for rows in _near(queries.take(some), new, len(scope.against), nearest):
                    connection.from_arrow(rows).insert_into("audit_candidate")
            done += len(some)
            advance("sketches", done, len(earlier))


def _near(queries: Sketches, columns: Sketches, models: int, nearest: bool) -> Iterator[pa.Table]:
    """Rows for `audit_candidate`, a strip of queries at a time."""
    for near in near_pairs(queries, columns, models=models, nearest=nearest):
        yield pa.table(
            {
                "query_id": pa.array(queries.model[near.query], pa.uint32()),
                "component": pa.array(queries.component[near.query], pa.string()),
                "relative_id": pa.array(columns.model[near.column], pa.uint32()),
                "relative_component": pa.array(columns.component[near.column], pa.string()),
                "z": pa.array(near.z),
            }
        )


def _number(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.int64)


def _float(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)


def planned(connection: duckdb.DuckDBPyConnection, scope: Scope) -> list[list[Task]]:
    """The tasks that are left, in batches: those of one family together, so that its models are read once."""
    work = connection.sql(statement("audit/work"), params={"related_z": RELATED_Z}).to_arrow_table()
    against = set(scope.against)
    tasks = [
        Task(model, component, tuple(zip(relatives, components, strict=True)), len(against) - (model in against))
        for model, component, relatives, components in zip(
            *(work[name].to_pylist() for name in ("query_id", "component", "relatives", "components")),
            strict=True,
        )
    ]
    groups = _groups(work)
    return list(_batches(sorted(tasks, key=lambda t: (groups[t.query_id], t.query_id, t.component))))


def _groups(work: pa.Table) -> dict[int, int]:
    """Query -> the number of its group of near models, in the order of their first members."""
    lists = work["relatives"].combine_chunks()
    queries = _number(work["query_id"])
    first = np.repeat(queries, lists.value_lengths().to_numpy(zero_copy_only=False))
    second = np.asarray(lists.flatten().to_numpy(zero_copy_only=False), np.int64)
    far = np.asarray(work["far"].combine_chunks().flatten().to_numpy(zero_copy_only=False), np.bool_)
    members, labels = groups_of(np.concatenate([queries, first[~far]]), np.concatenate([queries, second[~far]]))
    return dict(zip(members.tolist(), labels.tolist(), strict=True))


def _batches(tasks: Sequence[Task]) -> Iterator[list[Task]]:
    batch: list[Task] = []
    pairs, named = 0, set[int]()
    for task in tasks:
        batch.append(task)
        pairs += len(task.candidates) + 1
        named.update((task.query_id, *(model for model, _ in task.candidates)))
        if pairs >= _PAIRS or len(named) >= _MODELS:
            yield batch
            batch, pairs, named = [], 0, set()
    if batch:
        yield batch


def loaded(
    connection: duckdb.DuckDBPyConnection,
    scope: Scope,
    tasks: Sequence[Task],
    declared: Mapping[tuple[int, int], tuple[bool, bool]],
) -> Batch:
    """A batch with the rows of all its models."""
    named = sorted({t.query_id for t in tasks} | {model for t in tasks for model, _ in t.candidates})
    tables = rows_of_models(connection, named)
    rows = connection.execute(statement("models/facts"), {"models": named}).fetchall()
    facts: dict[int, Facts] = {model: (name, uri, released) for model, name, uri, _, released in rows}
    links = {
        (task.query_id, model): declared[task.query_id, model]
        for task in tasks
        for model, _ in task.candidates
        if (task.query_id, model) in declared
    }
    roots = dict(connection.execute(statement("models/roots"), {"models": named}).fetchall())
    return Batch(scope.run_id, scope.newest, tuple(tasks), tables, facts, links, roots)
