"""What an audit has to compute: candidates of every query by sketch, then tasks, those of one family together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...ingest.errors import RegistryError
from ...queries.answers.audit_batch import Task
from ...queries.evidence.kinds import KINDS
from ...queries.search.all_pairs import ROWS, Sketches, near_pairs, sketches_by_kind, towers
from ...queries.sql import statement
from ...queries.thresholds.significance import SIGNIFICANT_LOG10_E
from ..jobs.engines import Engine
from .door import Door
from .groups import groups_of
from .scope import Scope

Progress = Callable[[str, int, int], None]
"""What is done, and how much of how much."""

RELATED_Z = 8.0
"""Queries that are nearer than this go into one batch; no two unrelated models of any registry are."""
NEAREST_UP_TO = 500
"""Models up to which the nearest of every new query are looked at whatever their z, as `forebear ancestors` does: 24
pairs of 10 ms a model, so two minutes on one core; with 20,000 models it would be an hour and a half."""
_TRIES = 5
"""Times that a plan is made anew as other audits forget the runs that it builds on."""


def planned(
    door: Door, scope: Scope, wanted: dict[str, object], engine: Callable[[int], Engine], advance: Progress
) -> list[Task]:
    """Decide which answers are computed and which are taken over, take those over, and return the tasks that are left.

    `wanted` are the parameters of `audit/tasks` beside the models, `engine` says where so many pairs of sketches are
    compared. The registry is shut meanwhile.
    """
    for _ in range(_TRIES):
        with door.reading() as connection:
            tasks, sketches = read_plan(connection, scope, wanted)
        candidates = list(near_candidates(sketches, tasks, scope, engine, advance))
        work = door.write_run(scope, partial(_carried, scope=scope, tasks=tasks, candidates=candidates))
        if work is not None:
            return _in_families(work, scope)
    raise RegistryError("other audits keep changing what this one builds on; run one at a time")


def read_plan(
    connection: duckdb.DuckDBPyConnection, scope: Scope, wanted: dict[str, object]
) -> tuple[pa.Table, dict[str, Sketches]]:
    """The tasks, as rows of `audit_task`, and the sketches of everyone."""
    parameters = {"run_id": scope.run_id, "models": scope.asked, **wanted}
    tasks = connection.sql(statement("audit/tasks"), params=parameters).to_arrow_table()
    everyone = sorted({*scope.asked, *scope.against})
    table = connection.sql(statement("search/all_sketches"), params={"models": everyone}).to_arrow_table()
    return tasks, sketches_by_kind(table)


def near_candidates(
    sketches: dict[str, Sketches],
    tasks: pa.Table,
    scope: Scope,
    engine: Callable[[int], Engine],
    advance: Progress,
) -> Iterator[pa.Table]:
    """Rows for `audit_candidate`. A task with an earlier answer is compared with what is new since then alone."""
    asked = _number(tasks["query_id"]), tasks["component"].to_numpy(zero_copy_only=False)
    seen = np.nan_to_num(_float(tasks["seen_until"]), nan=-1).astype(np.int64)
    earlier = {(int(q), str(c)): int(s) for q, c, s in zip(*asked, seen, strict=True)}
    done = 0
    advance("sketches", 0, len(earlier))
    for found, others in [*((one, one) for one in sketches.values()), *towers(sketches)]:
        mine = np.array([(int(m), str(c)) in earlier for m, c in zip(found.model, found.component, strict=True)], bool)
        queries = found.where(mine)
        columns = others.where(np.isin(others.model, scope.against))
        known = zip(queries.model, queries.component, strict=True)
        since = np.array([earlier[int(m), str(c)] for m, c in known], np.int64)
        for until in np.unique(since):
            some = queries.where(since == until)
            new = columns.where(columns.model > until)
            if _same(some, new):
                new = some  # every pair is compared once, for both
            if len(new):
                nearest = until < 0 and len(scope.against) <= NEAREST_UP_TO
                there = engine(len(some) * len(new))
                for compared, rows in _near(some, new, len(scope.against), nearest, there):
                    yield rows
                    advance("sketches", done + compared, len(earlier))
            done += len(some) if others is found else 0
            advance("sketches", done, len(earlier))


def _same(first: Sketches, second: Sketches) -> bool:
    return np.array_equal(first.model, second.model) and np.array_equal(first.component, second.component)


def _near(
    queries: Sketches, columns: Sketches, models: int, nearest: bool, engine: Engine
) -> Iterator[tuple[int, pa.Table]]:
    """Rows for `audit_candidate`, a strip of queries at a time, behind how many queries were compared."""
    found = near_pairs(queries, columns, models=models, nearest=nearest, map_tiles=engine.map)
    for number, near in enumerate(found, 1):
        rows = {
            "query_id": pa.array(queries.model[near.query], pa.uint32()),
            "component": pa.array(queries.component[near.query], pa.string()),
            "relative_id": pa.array(columns.model[near.column], pa.uint32()),
            "relative_component": pa.array(columns.component[near.column], pa.string()),
            "z": pa.array(near.z),
        }
        yield min(number * ROWS, len(queries)), pa.table(rows)


def _number(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.int64)


def _float(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)


def _carried(
    connection: duckdb.DuckDBPyConnection, scope: Scope, tasks: pa.Table, candidates: Sequence[pa.Table]
) -> pa.Table | None:
    """Take over the answers that hold; the work that is left, None where a run was forgotten that answers rest on."""
    connection.execute(statement("audit/scratch"))
    connection.from_arrow(tasks).insert_into("audit_task")
    if connection.execute(statement("audit/lost_bases")).fetchall()[0][0]:
        return None
    for rows in candidates:
        connection.from_arrow(rows).insert_into("audit_candidate")
    run: dict[str, object] = {"run_id": scope.run_id}
    against = {"against": scope.against}
    size, kinds = {**against, "models": len(scope.against)}, {"kinds": len(KINDS)}
    connection.execute(statement("audit/named"), against)
    connection.execute(statement("audit/stale"), {**size, **kinds, "significant": SIGNIFICANT_LOG10_E})
    connection.execute(statement("audit/stale_roots"), run)
    connection.execute(statement("audit/known"), against)
    connection.execute(statement("audit/carry_pairs"), {**run, **size})
    connection.execute(statement("audit/carry_queries"), {**run, **size, "newest": scope.newest})
    work = connection.sql(statement("audit/work"), params={"related_z": RELATED_Z}).to_arrow_table()
    connection.execute(statement("audit/clear"))
    return work


def _in_families(work: pa.Table, scope: Scope) -> list[Task]:
    """The tasks that are left, those of near models one behind the other, so that their rows are read once."""
    against = set(scope.against)
    tasks = [
        Task(model, component, tuple(zip(relatives, components, strict=True)), len(against) - (model in against))
        for model, component, relatives, components in zip(
            *(work[name].to_pylist() for name in ("query_id", "component", "relatives", "components")),
            strict=True,
        )
    ]
    groups = _groups(work)
    return sorted(tasks, key=lambda t: (groups[t.query_id], t.query_id, t.component))


def _groups(work: pa.Table) -> dict[int, int]:
    """Query -> the number of its group of near models, in the order of their first members."""
    lists = work["relatives"].combine_chunks()
    queries = _number(work["query_id"])
    first = np.repeat(queries, lists.value_lengths().to_numpy(zero_copy_only=False))
    second = np.asarray(lists.flatten().to_numpy(zero_copy_only=False), np.int64)
    far = np.asarray(work["far"].combine_chunks().flatten().to_numpy(zero_copy_only=False), np.bool_)
    members, labels = groups_of(np.concatenate([queries, first[~far]]), np.concatenate([queries, second[~far]]))
    return dict(zip(members.tolist(), labels.tolist(), strict=True))
