"""The registered models that a component may be merged from: significant relatives with the same tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
from scipy.stats import norm

from ...data.component import Component
from ...data.precision import rounded_to
from ...data.query import Query, QuerySketch, load_models
from ...search.candidates import candidates
from ...search.scan import SqlScan
from ...sql import statement
from ...thresholds.recipes import PARENT_MAY_LACK, RECIPE_COPY
from ...thresholds.significance import SIGNIFICANT_LOG10_E
from .places import MergePlaces, keys_of, places_of


@dataclass(frozen=True)
class Relative:
    """A registered component that is related; `coincides` names the models that hold the same values."""

    name: str
    source: str
    component: Component
    coincides: tuple[str, ...] = ()


def relatives_of(
    connection: duckdb.DuckDBPyConnection,
    query: Query,
    sketch: QuerySketch,
    parents: Sequence[int] = (),
    base: int | None = None,
) -> list[Relative]:
    """The components of the same kind that sketches find, or those of the `parents` that were named, and the base's."""
    component = next(c for c in query.components if c.name == sketch.component)
    models = int(connection.execute(statement("models/others"), {"model_id": query.model_id}).fetchall()[0][0])
    named = {*parents, *(() if base is None else (base,))}
    places = set() if parents else candidates(SqlScan(connection), query.model_id, sketch, component.name, models, 1)
    wanted = sorted(({model for model, _ in places} | named) - {query.model_id})
    loaded = load_models(connection, wanted) if wanted else {}
    rows = connection.execute(statement("models/facts"), {"models": wanted}).fetchall()
    facts = {model: (name, uri) for model, name, uri, *_ in rows}
    return [
        Relative(*facts[model], other)
        for model in wanted
        for other in loaded.get(model, [])
        if component.meets(other) and (model in named or (model, other.name) in places)
    ]


def parents_of(
    query: Component, relatives: Sequence[Relative], models: int, *, cast: bool = False
) -> tuple[list[Relative], MergePlaces | None]:
    """Relatives with the query's tensors that are significant, no copies of it, one of each group that coincides.

    Then the values at the places that all of them share with the query; None where nobody is left. With `cast` as the
    query's type keeps them, None where it keeps them all as they are.
    """
    mine = keys_of(query)
    held = [
        relative
        for relative in relatives
        if mine and len(mine.keys() & keys_of(relative.component).keys()) >= (1 - PARENT_MAY_LACK) * len(mine)
    ]
    places = places_of(query, [relative.component for relative in held])
    if places is None or (cast and not places.finer):
        return [], None
    places = places.cast() if cast else places.as_they_are()
    kept = [i for i in range(len(held)) if _related(places, i, models) and not _copied(places, i)]
    groups: list[list[int]] = []
    for i in kept:
        same = next((g for g in groups if np.array_equal(places.relatives[g[0]], places.relatives[i])), None)
        if same is None:
            groups.append([i])
        else:
            same.append(i)
    if not groups:
        return [], None
    members = [
        Relative(held[g[0]].name, held[g[0]].source, held[g[0]].component, tuple(held[i].name for i in g[1:]))
        for g in groups
    ]
    return members, places.of([g[0] for g in groups])


def _related(places: MergePlaces, number: int, models: int) -> bool:
    """Whether weights correlate beyond chance, among so many models."""
    mine, other = places.query * places.scale, places.relatives[number] * places.scale
    correlation = float(np.corrcoef(mine, other)[0, 1])
    return correlation * math.sqrt(len(mine)) > float(norm.isf(10.0**SIGNIFICANT_LOG10_E / max(1, models)))


def _copied(places: MergePlaces, number: int) -> bool:
    return float((rounded_to(places.relatives[number], places.bits) == places.query).mean()) >= RECIPE_COPY
