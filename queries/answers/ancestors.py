"""From a query model to its ranked ancestors: candidates by one scan, then the full evidence for each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from functools import partial

import duckdb

from ...ingest.errors import RegistryError
from ...ingest.text import printable
from ..data.component import Component
from ..data.loading import load_components
from ..data.query import Query, QuerySketch, load_models, require_rows, rows_of_models
from ..evidence.pair import same_function
from ..lineage.claims import Claims
from ..search.candidates import by_activations, by_weights
from ..search.declared import declared_kin
from ..search.left_out import LeftOut, left_out
from ..search.names import Names, SqlNames
from ..search.packed import Place
from ..search.scan import Scan, SqlScan
from ..search.turns import in_turn
from ..sql import statement
from .comparable import comparable_models
from .question import Question
from .records import ComponentAnswer
from .verdict import judged

_log = logging.getLogger(__name__)


Answering = Callable[[Question, int], ComponentAnswer]
"""What makes an answer of at most so many rows: `judged`, or another question of the same evidence."""


def ancestors(
    connection: duckdb.DuckDBPyConnection,
    query: Query,
    k: int,
    answering: Answering = judged,
    equal: Set[int] = frozenset(),
    scan: Scan | None = None,
    within: int | None = None,
) -> list[ComponentAnswer]:
    """The answer for every component of the query that has layers: at least `k` rows where the registry has them.

    `answering` judges the evidence; the default ranks ancestors. `equal` are the models of equal content, as
    `equal_models` finds them. `scan` has the registry's sketches; the default reads them in SQL. `within` are the bytes
    that may be fetched of models that are here by their sketches alone, by default any: see `left_out`.
    """
    others = connection.execute(statement("models/others"), {"model_id": query.model_id}).fetchall()
    models = int(others[0][0])
    scan = scan or SqlScan(connection)
    declared = declared_kin(connection, scan.names or SqlNames(connection), query)
    return [
        _answer(connection, scan, query, sketch, declared, equal, models, k, answering, within)
        for sketch in query.sketches
    ]


def equal_models(
    connection: duckdb.DuckDBPyConnection, query: Query, names: Names | None = None
) -> list[tuple[int, str, str]]:
    """Id, name and source of the models of which everything that was read equals what was read of the query."""
    if query.content is None:
        return []
    holding = set((names or SqlNames(connection)).holding(query.content)) - {query.model_id}
    if not holding:
        return []
    values = {"content": query.content, "holding": sorted(holding)}
    return connection.execute(statement("models/equal_content"), values).fetchall()


def _answer(
    connection: duckdb.DuckDBPyConnection,
    scan: Scan,
    query: Query,
    sketch: QuerySketch,
    declared: Mapping[int, tuple[bool, bool]],
    equal: Set[int],
    models: int,
    k: int,
    answering: Answering,
    within: int | None,
) -> ComponentAnswer:
    began = time.monotonic()
    component = next((c for c in query.components if c.name == sketch.component), None)
    if component is None:
        raise RegistryError(
            f"the model has a sketch of {printable(sketch.component, 40)!r} and no tensor; ingest it again"
        )
    near = by_weights(scan, query.model_id, sketch, component.name, models, k)
    found = near | by_activations(scan, query.model_id, sketch, component.name, models)
    named = {model for model, (parent, _) in declared.items() if parent}
    every = {model for model, _ in found} | named | equal
    turns = partial(in_turn, scan, query.model_id, sketch, component.name, models, k)
    out = left_out(connection, every, within, named | equal, turns)
    doubtful = {place for place in found - near if place[0] not in named | equal | out.models}
    if doubtful:
        require_rows(connection, sorted(every - out.models))  # what is lacking is fetched together
        near |= _of_same_function(connection, component, doubtful, models)
    wanted = sorted(({model for model, _ in near} | named | equal) - out.models)
    loaded = load_models(connection, wanted) if wanted else {}
    rows = connection.execute(statement("models/facts"), {"models": wanted}).fetchall()
    facts = {model: (name, uri, released) for model, name, uri, _, released in rows}
    others = [
        other
        for model in wanted
        for other in loaded.get(model, [])
        if component.meets(other) and (model in named | equal or (model, other.name) in near)
    ]
    _log.info(
        "%s: %d candidates of %d models by sketch, %d declared, chosen and loaded in %.2f s",
        *(component.name, len(found), models, len(named), time.monotonic() - began),
    )
    began = time.monotonic()
    question = Question(
        component,
        others,
        facts,
        _claims(connection, query, facts),
        models,
        declared,
        equal,
        lambda: comparable_models(connection, component, query.model_id),
        (query.own[0], query.own[1]),
    )
    answer = answering(question, k)
    _log.info("%s: evidence of %d candidates in %.2f s", component.name, len(others), time.monotonic() - began)
    return _told(answer, out)


def _of_same_function(
    connection: duckdb.DuckDBPyConnection, component: Component, places: Set[Place], models: int
) -> set[Place]:
    """Those that only the sketch of activations finds near whose neurons do the same: of others no more is read."""
    rows = rows_of_models(connection, sorted({model for model, _ in places}), ("tensor", "activation"))
    return {
        (model, other.name)
        for model, components in load_components(rows).items()
        for other in components
        if (model, other.name) in places and component.meets(other) and same_function(component, other, models)
    }


def _told(answer: ComponentAnswer, out: LeftOut) -> ComponentAnswer:
    """The answer, which says what was left out: that nothing is related is inconclusive with a near sketch among it."""
    if not out.models:
        return answer
    count = len(out.models)
    further = f"{count} further candidate{'s are' if count > 1 else ' is'} here by sketches alone"
    return replace(
        answer,
        sentence=f"{answer.sentence}; {further} and not compared: ask again to fetch more of them",
        verdict="inconclusive" if answer.verdict == "unrelated" and out.beyond_chance else answer.verdict,
        left_out=count,
    )


def _claims(
    connection: duckdb.DuckDBPyConnection, query: Query, facts: Mapping[int, tuple[str, str, datetime | None]]
) -> Claims:
    """What is known of the order of the query and its candidates."""
    return Claims(
        released={model: released for model, (_, _, released) in facts.items() if released},
        query_released=query.released_at,
        roots=_claimed_roots(connection, sorted(facts)),
        query_root=query.root,
        newest=query.newest,
    )


def _claimed_roots(connection: duckdb.DuckDBPyConnection, models: Sequence[int]) -> dict[int, str]:
    """Which models are roots by somebody's claim, and whose."""
    return dict(connection.execute(statement("models/roots"), {"models": list(models)}).fetchall())
