"""The missing ancestors of an audit: which families come from a model that is not registered.

Asked of whole registries alone: what a filter leaves out may be the parent. Nothing is inferred for a family with a
claimed root, nor where a member has no place: of another shape or rounded to few levels, unless an ancestor of it is
told or it is a copy. Merges take no part. Families of more than MOST_MEMBERS are left out, with a line in the log.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import duckdb
import numpy as np

from ...queries.data.component import Component
from ...queries.data.precision import quantised
from ...queries.data.query import SketchesOnly, load_models
from ...queries.lineage.missing.inferring import come_from_one, inferred_node, shared_values
from ...queries.lineage.recipes.places import keys_of
from ...queries.sql import statement
from ...queries.thresholds.lineage import DIRECTION_TOLD, FEWEST_BRANCHES
from ..jobs.standing import forget_inferred, keep_inferred, keep_match, match_of
from ..store.inferred import InferredAncestor, ancestors_of, inferred_ancestors
from ..store.transactions import typed_names
from .scope import Scope

_log = logging.getLogger(__name__)
MOST_MEMBERS = 128
"""Distances among all of them are computed: beyond this the work grows out of an audit's."""


@dataclass(frozen=True, slots=True)
class Member:
    """A model of a family, as `inferred/families.sql` has it."""

    family_id: int
    model_id: int
    released_at: datetime | None
    root: bool
    merged: bool
    told: bool
    copy: bool
    computed: bool


def infer_ancestors(connection: duckdb.DuckDBPyConnection, scope: Scope, *, whole: bool) -> None:
    """Infer the missing ancestors of a run over the whole registry, inside a transaction of the caller's.

    A family of which nothing was computed anew keeps what it had, unless `whole`.
    """
    parameters = {"run_id": scope.run_id, "told": DIRECTION_TOLD}
    rows = [Member(*row) for row in connection.execute(statement("inferred/families"), parameters).fetchall()]
    for number, found in groupby(rows, key=lambda member: member.family_id):
        members = list(found)
        if not whole and not any(member.computed for member in members):
            continue
        if len(members) > MOST_MEMBERS:
            _log.info("family %d: %d models, too many to infer a missing ancestor from", number, len(members))
            continue
        try:
            _infer(connection, scope, members)
        except SketchesOnly as error:
            _log.info("family %d: no missing ancestor is inferred: %s", number, error)


def _infer(connection: duckdb.DuckDBPyConnection, scope: Scope, members: Sequence[Member]) -> None:
    """What one family comes from, in place of what it was inferred to come from before."""
    ids = [member.model_id for member in members]
    every = {one.inferred_id: one for one in inferred_ancestors(connection)}
    known = [every[number] for number in ancestors_of(connection, ids)]
    if not known and (len(members) < FEWEST_BRANCHES or any(member.root for member in members)):
        return
    with typed_names(connection):
        loaded = load_models(connection, ids)
    for one in known:
        _find(connection, one, members, loaded)
    every = {one.inferred_id: one for one in inferred_ancestors(connection)}
    if any(every[one.inferred_id].found for one in known):
        return
    for one in known:
        forget_inferred(connection, one.inferred_id)
    name, chosen = _placed(members, loaded)
    shared = shared_values([component for _, component in chosen])
    if shared is None or len(chosen) < FEWEST_BRANCHES:
        return
    dates = [member.released_at for member, _ in chosen]
    stamps = [date.timestamp() for date in dates if date is not None]
    without = come_from_one(shared)
    if without or (len(stamps) == len(chosen) and come_from_one(shared, stamps)):
        kept = [member.model_id for member, _ in chosen]
        number = min((one.inferred_id for one in known), default=None)
        node = inferred_node(shared)
        number = keep_inferred(connection, node, kept, name, dated=not without, run_id=scope.run_id, number=number)
        _log.info("inferred-%d: what %d models come from", number, len(kept))


def _find(
    connection: duckdb.DuckDBPyConnection,
    one: InferredAncestor,
    members: Sequence[Member],
    loaded: dict[int, list[Component]],
) -> None:
    """Keep which of the members of a family stands where its missing ancestor was inferred to stand."""
    for member in members:
        for component in loaded.get(member.model_id, []):
            if match := match_of(connection, one, component, member.model_id, member.released_at):
                keep_match(connection, member.model_id, match)


def _placed(
    members: Sequence[Member], loaded: dict[int, list[Component]]
) -> tuple[str, list[tuple[Member, Component]]]:
    """The component that most members have, and the members that have a place in its tree, one of each content.

    None of them where somebody claims a root, or where one has no place that anybody could tell.
    """
    counts = Counter(component.name for member in members for component in loaded.get(member.model_id, []))
    if not counts or any(member.root for member in members):
        return "", []
    name = min(counts, key=lambda found: (-counts[found], found))
    held = [
        (member, component)
        for member in members
        if not member.merged
        for component in loaded.get(member.model_id, [])
        if component.name == name
    ]
    shapes = Counter(frozenset(keys_of(component)) for _, component in held)
    shape = max(shapes, key=lambda keys: (shapes[keys], len(keys)), default=frozenset())
    chosen: list[tuple[Member, Component]] = []
    for member, component in held:
        if keys_of(component).keys() < shape or not shape or quantised(component):
            if not (member.told or member.copy):
                return name, []
        elif shape <= keys_of(component).keys() and not _held_already(component, chosen):
            chosen.append((member, component))
        elif not shape <= keys_of(component).keys() and not (member.told or member.copy):
            return name, []
    return name, chosen


def _held_already(component: Component, chosen: Sequence[tuple[Member, Component]]) -> bool:
    """Whether one of the chosen holds the same values in the same tensors."""
    return any(
        np.array_equal(component.positions.value, other.positions.value)
        and component.hash.tolist() == other.hash.tolist()
        for _, other in chosen
    )
