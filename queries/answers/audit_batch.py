"""The evidence stage of an audit: answers for a batch of queries, from tables that hold all the models it needs.

A pure function of its arguments: a batch gives the same rows in any process, in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from ..data.component import Component
from ..data.loading import load_components
from ..evidence.kinds import KINDS
from ..lineage.claims import Claims
from .question import Question
from .records import ComponentAnswer
from .verdict import judged

_EVERYONE = 1 << 30
Facts = tuple[str, str, datetime | None]
"""Name, source and release date of a model."""


@dataclass(frozen=True, slots=True)
class Task:
    """One component of one model, the candidates (model, component) to look at, and how many models there are."""

    query_id: int
    component: str
    candidates: tuple[tuple[int, str], ...]
    compared: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Tasks, and the rows of the registry of every model that they name.

    `declared` says of (query, other) whether the query names the other as its parent, and whether it is the reverse.
    `roots` are the models that were trained from scratch by somebody's claim, with whose.
    """

    run_id: int
    newest: int
    tasks: tuple[Task, ...]
    tables: Mapping[str, pa.Table]
    facts: Mapping[int, Facts]
    declared: Mapping[tuple[int, int], tuple[bool, bool]]
    roots: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Answers:
    """Rows for the tables `audit_query` and `audit_pair`."""

    queries: pa.Table
    pairs: pa.Table


def evaluate(batch: Batch) -> Answers:
    """The answers of a batch. A query or candidate without tensors of the component has no rows."""
    components = {(c.model_id, c.name): c for found in load_components(batch.tables).values() for c in found}
    answered = [(task, answer) for task in batch.tasks if (answer := _answer(task, batch, components)) is not None]
    return Answers(_query_rows(batch, answered), _pair_rows(batch, answered))


def _answer(task: Task, batch: Batch, components: Mapping[tuple[int, str], Component]) -> ComponentAnswer | None:
    mine = components.get((task.query_id, task.component))
    if mine is None:
        return None
    others = [components[place] for place in task.candidates if place in components]
    question = Question(
        mine,
        [other for other in others if mine.meets(other)],
        batch.facts,
        declared={o.model_id: batch.declared.get((task.query_id, o.model_id), (False, False)) for o in others},
        claims=Claims(
            released={o.model_id: moment for o in others if (moment := batch.facts[o.model_id][2])},
            query_released=batch.facts[task.query_id][2],
            roots={o.model_id: batch.roots[o.model_id] for o in others if o.model_id in batch.roots},
            query_root=batch.roots.get(task.query_id),
        ),
        models=task.compared,
        asked=batch.facts[task.query_id][:2],
    )
    return judged(question, _EVERYONE, blocks=False)


_Answered = Sequence[tuple[Task, ComponentAnswer]]


def _query_rows(batch: Batch, answered: _Answered) -> pa.Table:
    return pa.table(
        {
            "run_id": _ids([batch.run_id] * len(answered)),
            "query_id": _ids([task.query_id for task, _ in answered]),
            "component": _texts([task.component for task, _ in answered]),
            "verdict": _texts([answer.verdict for _, answer in answered]),
            "sentence": _texts([answer.sentence for _, answer in answered]),
            "compared": _ids([task.compared for task, _ in answered]),
            "seen_until": _ids([batch.newest] * len(answered)),
            "evaluated_run": _ids([batch.run_id] * len(answered)),
        }
    )


def _pair_rows(batch: Batch, answered: _Answered) -> pa.Table:
    rows = [(task, place, one) for task, answer in answered for place, one in enumerate(answer.ancestors, 1)]
    found = [one for _, _, one in rows]
    kinds = [kind.name for kind in KINDS]
    return pa.table(
        {
            "run_id": _ids([batch.run_id] * len(rows)),
            "query_id": _ids([task.query_id for task, _, _ in rows]),
            "component": _texts([task.component for task, _, _ in rows]),
            "relative_id": _ids([one.model_id for one in found]),
            "relative_component": _texts([one.component for one in found]),
            "rank": _ids([one.rank for one in found]),
            "place": _ids([place for _, place, _ in rows]),
            "origin": _texts([one.origin for one in found]),
            "direction": _texts([one.direction if one.origin else None for one in found]),
            "direction_probability": _numbers([one.direction_probability if one.origin else None for one in found]),
            "direction_by": _texts(["; ".join(one.direction_by) if one.origin else None for one in found]),
            "evidence": _texts([one.evidence for one in found]),
            **{f"log10_p_{k}": _numbers([o.log10_p.get(k) for o in found]) for k in kinds},
            **{
                k: _numbers([getattr(o, k) for o in found])
                for k in ("log10_evalue", "identity", "coverage", "distance")
            },
            "coverage_without_match": _numbers([one.coverage_parts.without_match for one in found]),
            "coverage_not_comparable": _numbers([one.coverage_parts.not_comparable for one in found]),
            "coverage_not_read": _numbers([one.coverage_parts.not_read for one in found]),
            "relation": pa.array([list(one.relation) for one in found], pa.list_(pa.string())),
            "reason": _texts([one.reason for one in found]),
            "merged_with": _texts([one.merged_with for one in found]),
            "declared": pa.array([one.declared for one in found], pa.bool_()),
            "declared_child": pa.array([one.declared_child for one in found], pa.bool_()),
        }
    )


def _ids(values: Sequence[int]) -> pa.Array:
    return pa.array(values, pa.uint32())


def _texts(values: Sequence[str | None]) -> pa.Array:
    return pa.array(values, pa.string())


def _numbers(values: Sequence[float | None]) -> pa.Array:
    return pa.array(values, pa.float64())
