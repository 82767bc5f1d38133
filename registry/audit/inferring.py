"""The missing ancestors of an audit: which families come from a model that is not registered.

Asked of whole registries alone: what a filter leaves out may be the parent. Nothing is inferred for a family with a
claimed root, nor where a member has no place: of another shape or rounded to few levels, unless an ancestor of it is
told or it is a copy. Merges take no part. Families of more than MOST_MEMBERS are left out, with a line in the log.

Families are read, computed and kept some at a time, and the registry is written to for the last alone. They are kept in
their order, and one whose models or missing ancestors changed since it was read is read again: what is kept, numbers
included, is that of one family behind the other, wherever it was computed. A run that goes on leaves out the families
of which it has kept an ancestor; for the others the answer is the same again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby

import duckdb
import numpy as np
import pyarrow as pa

from ...queries.data.component import Component
from ...queries.data.loading import load_components
from ...queries.data.precision import quantised
from ...queries.data.query import VALUES, SketchesOnly, require_rows, rows_of_models
from ...queries.lineage.missing.inferring import InferredNode, come_from_one, inferred_node, shared_values
from ...queries.lineage.recipes.places import keys_of
from ...queries.sql import statement
from ...queries.thresholds.lineage import DIRECTION_TOLD, FEWEST_BRANCHES
from ..jobs.engines import Engine
from ..jobs.standing import KeptNode, forget_inferred, keep_inferred, keep_match, kept_node, match_with
from ..store.inferred import Match, inferred_ancestors
from . import batches
from .batches import computed
from .door import Door
from .plan import Progress
from .scope import Scope

_log = logging.getLogger(__name__)
MOST_MEMBERS = 128
"""Distances among all of them are computed: beyond this the work grows out of an audit's."""
_STAGE = "missing ancestors"


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


@dataclass(frozen=True, slots=True)
class Family:
    """Members of one family, and the missing ancestors known of them, each with whether a model stands there."""

    number: int
    members: tuple[Member, ...]
    known: tuple[tuple[int, bool], ...] = ()

    @property
    def models(self) -> list[int]:
        """The ids of its members."""
        return [member.model_id for member in self.members]

    @property
    def open(self) -> bool:
        """Whether there is anything to infer, or to find where something was inferred before."""
        return bool(self.known) or not (
            len(self.members) < FEWEST_BRANCHES or any(member.root for member in self.members)
        )


@dataclass(frozen=True, slots=True)
class FamilyRows:
    """Families, the rows of their models, and of their missing ancestors those that a member may be found to be."""

    families: tuple[Family, ...]
    tables: Mapping[str, pa.Table]
    nodes: Mapping[int, KeptNode]


@dataclass(frozen=True, slots=True)
class Inferred:
    """What one family comes from: `node` of the component `component` and of `models`, in place of what was known.

    `matches` are members that were found where a known one stands, by model id; where there is one, now or before
    (`found`), what is known stays.
    """

    family: Family
    matches: tuple[tuple[int, Match], ...] = ()
    node: InferredNode | None = None
    component: str = ""
    models: tuple[int, ...] = ()
    dated: bool = False

    @property
    def found(self) -> bool:
        """Whether a model stands where one of the known ancestors does."""
        return bool(self.matches) or any(found for _, found in self.family.known)

    @property
    def news(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.matches or self.node) or bool(self.family.known and not self.found)


def infer_ancestors(door: Door, scope: Scope, families: Sequence[Family], engine: Engine, advance: Progress) -> None:
    """Infer and keep the missing ancestors of `families`, the unfinished ones of a run over the whole registry.

    Raises RegistryError where another process took the run over.
    """
    total = sum(len(family.members) for family in families)
    done = 0
    if families:
        advance(_STAGE, 0, total)
    for some, inferred in computed(door, engine, list(_cut(families)), read_families, infer):
        left = [one for one in inferred if one.news]
        while left:
            left = left[door.write_run(scope, partial(_keep, run_id=scope.run_id, inferred=left)) :]
            left = _again(door, left) if left else []
        done += sum(len(family.members) for family in some)
        advance(_STAGE, done, total)


def _again(door: Door, inferred: Sequence[Inferred]) -> list[Inferred]:
    """What families come from of which something changed, or stands behind one of which something did."""
    with door.reading() as connection:
        rows = read_families(connection, [one.family for one in inferred])
    return [one for one in infer(rows) if one.news]


def unfinished_families(connection: duckdb.DuckDBPyConnection, scope: Scope, *, whole: bool) -> list[Family]:
    """The families of a run of which something was computed anew, or all with `whole`, that it has not inferred yet."""
    parameters = {"run_id": scope.run_id, "told": DIRECTION_TOLD, "whole": whole}
    rows = [Member(*row) for row in connection.execute(statement("inferred/families"), parameters).fetchall()]
    families = []
    for number, found in groupby(rows, key=lambda member: member.family_id):
        members = tuple(found)
        if len(members) > MOST_MEMBERS:
            _log.info("family %d: %d models, too many to infer a missing ancestor from", number, len(members))
            continue
        families.append(Family(number, members))
    return [family for family in _with_known(connection, families) if family.open]


def _cut(families: Sequence[Family]) -> Iterator[tuple[Family, ...]]:
    """Families in order, as many at once as a batch of pairs has models."""
    some: list[Family] = []
    for family in families:
        if some and sum(len(one.members) for one in (*some, family)) > batches.BATCH_MODELS:
            yield tuple(some)
            some = []
        some.append(family)
    if some:
        yield tuple(some)


def _with_known(connection: duckdb.DuckDBPyConnection, families: Sequence[Family]) -> list[Family]:
    """The families as they are now: without models that were removed, with the missing ancestors that are known."""
    models = [model for family in families for model in family.models]
    here = {model for model, *_ in connection.execute(statement("models/facts"), {"models": models}).fetchall()}
    known: dict[int, set[tuple[int, bool]]] = {}
    for number, model, found in connection.execute(statement("inferred/of_models"), {"models": models}).fetchall():
        known.setdefault(model, set()).add((number, found))
    return [
        replace(
            family,
            members=tuple(member for member in family.members if member.model_id in here),
            known=tuple(sorted({one for model in family.models for one in known.get(model, ())})),
        )
        for family in families
    ]


def read_families(connection: duckdb.DuckDBPyConnection, families: Sequence[Family]) -> FamilyRows:
    """Families as they are now, with the rows that `infer` needs; without those that are here by sketches alone."""
    now = [family for family in _with_known(connection, families) if family.open]
    everyone = [model for family in now for model in family.models]
    remote = {model for model, *_ in connection.execute(statement("exchange/remote"), {"models": everyone}).fetchall()}
    nodes: dict[int, KeptNode] = {}
    whole = []
    for family in now:
        try:
            if remote.intersection(family.models):
                require_rows(connection, family.models)
            nodes |= _nodes(connection, family)
            whole.append(family)
        except SketchesOnly as error:
            _log.info("family %d: no missing ancestor is inferred: %s", family.number, error)
    models = sorted(model for family in whole for model in family.models)
    return FamilyRows(tuple(whole), rows_of_models(connection, models, VALUES), nodes)


def _nodes(connection: duckdb.DuckDBPyConnection, family: Family) -> dict[int, KeptNode]:
    """The missing ancestors that are known of a family, without those that all its models are inferred to come from."""
    every = {one.inferred_id: one for one in inferred_ancestors(connection)} if family.known else {}
    nodes = {}
    for number, _ in family.known:
        members = connection.execute(statement("inferred/members"), {"inferred_id": number}).fetchall()
        if not {model for model, *_ in members}.issuperset(family.models):
            nodes[number] = kept_node(connection, every[number])
    return nodes


def infer(rows: FamilyRows) -> list[Inferred]:
    """What each of the families comes from: a pure function of its argument."""
    loaded = load_components(rows.tables)
    return [_inferred(family, loaded, rows.nodes) for family in rows.families]


def _inferred(family: Family, loaded: Mapping[int, list[Component]], nodes: Mapping[int, KeptNode]) -> Inferred:
    matches = tuple(
        (member.model_id, match)
        for number, _ in family.known
        if number in nodes
        for member in family.members
        for component in loaded.get(member.model_id, [])
        if (match := match_with(nodes[number], component, member.model_id, member.released_at))
    )
    nothing = Inferred(family, matches)
    if nothing.found:
        return nothing
    name, chosen = _placed(family.members, loaded)
    shared = shared_values([component for _, component in chosen])
    if shared is None or len(chosen) < FEWEST_BRANCHES:
        return nothing
    dates = [member.released_at for member, _ in chosen]
    stamps = [date.timestamp() for date in dates if date is not None]
    without = come_from_one(shared)
    if not without and not (len(stamps) == len(chosen) and come_from_one(shared, stamps)):
        return nothing
    models = tuple(member.model_id for member, _ in chosen)
    return Inferred(family, (), inferred_node(shared), name, models, not without)


def _keep(connection: duckdb.DuckDBPyConnection, run_id: int, inferred: Sequence[Inferred]) -> int:
    """Keep what families come from, up to the first that is not as it was read; how many were kept."""
    for number, one in enumerate(inferred):
        if _with_known(connection, [one.family]) != [one.family]:
            return number
        for model, match in one.matches:
            keep_match(connection, model, match)
        if one.found:
            continue
        known = [number for number, _ in one.family.known]
        for number_before in known:
            forget_inferred(connection, number_before)
        if one.node is not None:
            kept = min(known, default=None)
            made = keep_inferred(
                connection, one.node, one.models, one.component, dated=one.dated, run_id=run_id, number=kept
            )
            _log.info("inferred-%d: what %d models come from", made, len(one.models))
    return len(inferred)


def _placed(
    members: Sequence[Member], loaded: Mapping[int, list[Component]]
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
