"""Missing ancestors as the registry keeps them, and which models stand where one does."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa

from ...ingest.errors import RegistryError
from ...queries.data.component import Component
from ...queries.data.query import Query, SketchesOnly, load_models, registered_query
from ...queries.lineage.missing.inferring import InferredNode, Shared, Standing, shared_values, standing
from ...queries.lineage.recipes.places import TensorKey
from ...queries.search.candidates import candidates
from ...queries.sql import statement

_log = logging.getLogger(__name__)
_NAMED = 3
"""Models that a sentence names; the record holds all."""


@dataclass(frozen=True, slots=True)
class InferredAncestor:
    """What the models `models` come from, which is not registered: a row of the view `inferred_ancestors`.

    `least_identity` and `most_identity` are those of the members with the values that the others give. `found` are the
    models that stand there, and `found_earlier` whether each claims to be released before every member.
    """

    inferred_id: int
    name: str
    component: str
    models: tuple[str, ...]
    sources: tuple[str, ...]
    exact_share: float
    least_identity: float
    most_identity: float
    dated: bool
    run_id: int
    found: tuple[str, ...]
    found_sources: tuple[str, ...]
    found_identities: tuple[float, ...]
    found_earlier: tuple[bool, ...]

    @property
    def sentence(self) -> str:
        """What it is, and of whom, in a line."""
        said = f"{self.name}: what {named(self.models)} come from and what is not registered"
        if self.found:
            said = f"{self.name}: where {named(self.models)} meet, {named(self.found)} stands"
        return f"{said}; identity of each with what the others give: {self.usual}"

    @property
    def usual(self) -> str:
        """The identities of the members with what the others give: what a match is measured beside."""
        return f"{near_one(self.least_identity)} to {near_one(self.most_identity)}"


@dataclass(frozen=True, slots=True)
class Match:
    """A model that stands where the missing ancestor `of` does, or is one of those that it is inferred from (`member`).

    `earlier`: it claims to be released before every member; False where dates are not known.
    """

    of: InferredAncestor
    member: bool
    identity: float | None = None
    way: float | None = None
    exact_share: float | None = None
    earlier: bool = False

    @property
    def sentence(self) -> str:
        """What was measured, and what it says."""
        if self.member:
            count, who = len(self.of.models), named(self.of.models)
            return f"one of {count} models that come from {self.of.name}, which is not registered: {who}"
        who = f"what {named(self.of.models)} come from ({self.of.name})"
        said = (
            f"this is {who}"
            if self.earlier
            else f"this is {who}, or hardly differs from it: release dates are not known"
        )
        return (
            f"{said}; identity {near_one(self.identity or 0.0)} with the values inferred from them, which have"
            f" {self.of.usual} with what the others give"
        )


def near_one(identity: float) -> str:
    """A correlation that is next to 1, by what it lacks: `1 - 7.8e-05`."""
    return f"1 - {1 - identity:.1e}"


def named(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def inferred_ancestors(connection: duckdb.DuckDBPyConnection) -> list[InferredAncestor]:
    """All missing ancestors, by their numbers."""
    rows = connection.execute(statement("inferred/all")).fetchall()
    return [InferredAncestor(*(tuple(v) if isinstance(v, list) else v for v in row)) for row in rows]


def inferred_ancestor(connection: duckdb.DuckDBPyConnection, name: str) -> InferredAncestor | None:
    """The missing ancestor of that name, `inferred-NUMBER`; None where there is none."""
    return next((one for one in inferred_ancestors(connection) if one.name == name), None)


def ancestors_of(connection: duckdb.DuckDBPyConnection, models: Sequence[int]) -> dict[int, set[int]]:
    """Number of a missing ancestor -> those of `models` that it is inferred from or was found in."""
    found: dict[int, set[int]] = {}
    for number, model in connection.execute(statement("inferred/of_models"), {"models": list(models)}).fetchall():
        found.setdefault(int(number), set()).add(int(model))
    return found


def keep_inferred(
    connection: duckdb.DuckDBPyConnection,
    node: InferredNode,
    models: Sequence[int],
    component: str,
    *,
    dated: bool,
    run_id: int,
    number: int | None = None,
) -> int:
    """Keep a missing ancestor inside a transaction of the caller's; its number, a new one unless it is given."""
    number = number or int(connection.execute(statement("inferred/next_id")).fetchall()[0][0])
    one = {"component": component, "light": node.light, "dated": dated, "exact_share": node.exact_share}
    _insert(connection, "inferred", [one | {"inferred_id": number, "run_id": run_id}])
    measured = zip(models, node.ways.tolist(), node.identities.tolist(), node.log10_p.tolist(), strict=True)
    names = ("model_id", "way", "identity", "log10_p")
    _insert(
        connection,
        "inferred_member",
        [{"inferred_id": number, **dict(zip(names, row, strict=True))} for row in measured],
    )
    tensors = [
        {"layer": layer, "expert": expert, "tensor": key, "shape": list(shape), "value": value}
        for (layer, expert, key, shape), value in zip(node.shared.keys, node.values, strict=True)
    ]
    _insert(connection, "inferred_tensor", [t | {"inferred_id": number, "place": n} for n, t in enumerate(tensors)])
    return number


def forget_inferred(connection: duckdb.DuckDBPyConnection, number: int) -> None:
    """Remove a missing ancestor, inside a transaction of the caller's."""
    connection.execute("SET VARIABLE inferred_id = ?", [number])
    connection.execute(statement("inferred/forget"))


def keep_match(connection: duckdb.DuckDBPyConnection, model_id: int, match: Match) -> None:
    """Keep where a model stands, instead of what was kept before; inside a transaction of the caller's."""
    of = {"inferred_id": match.of.inferred_id, "model_id": model_id}
    connection.execute(statement("inferred/forget_match"), of)
    measured = {"way": match.way, "identity": match.identity, "exact_share": match.exact_share}
    connection.execute(statement("inferred/keep_match"), of | measured | {"earlier": match.earlier})


def matches_of(connection: duckdb.DuckDBPyConnection, query: Query) -> list[Match]:
    """The missing ancestors of which a model is a member, then those where it is found to stand.

    A model that claims to be released after one of the members is not what they come from. Raises SketchesOnly where
    members are here by their sketches alone.
    """
    if not connection.execute(statement("inferred/count")).fetchall()[0][0]:
        return []
    every = {one.inferred_id: one for one in inferred_ancestors(connection)}
    return [*_memberships(connection, query, every), *_matched(connection, query, every)]


def registered_matches(connection: duckdb.DuckDBPyConnection, model_id: int) -> list[Match]:
    """Where a model that was just registered stands; nothing where what that takes is not here."""
    if not connection.execute(statement("inferred/count")).fetchall()[0][0]:
        return []
    try:
        return [one for one in matches_of(connection, registered_query(connection, model_id)) if not one.member]
    except SketchesOnly as error:
        _log.info("not compared with missing ancestors: %s", error)
        return []


def _memberships(
    connection: duckdb.DuckDBPyConnection, query: Query, every: dict[int, InferredAncestor]
) -> Iterator[Match]:
    for number, one in every.items():
        members = connection.execute(statement("inferred/members"), {"inferred_id": number}).fetchall()
        identities = {model: identity for model, _, identity, _, _ in members}
        if query.model_id in identities and not one.found:
            yield Match(one, True, identities[query.model_id])


def _matched(
    connection: duckdb.DuckDBPyConnection, query: Query, every: dict[int, InferredAncestor]
) -> Iterator[Match]:
    models = int(connection.execute(statement("models/others"), {"model_id": query.model_id}).fetchall()[0][0])
    for sketch in query.sketches:
        component = next((c for c in query.components if c.name == sketch.component), None)
        if component is None:
            continue
        near = {m for m, _ in candidates(connection, query.model_id, sketch, component.kind, models, 1)}
        for number in ancestors_of(connection, sorted(near)):
            found = match_of(connection, every[number], component, query.model_id, query.released_at)
            if found is not None:
                yield found


def match_of(
    connection: duckdb.DuckDBPyConnection,
    one: InferredAncestor,
    component: Component,
    model_id: int,
    released_at: datetime | None,
) -> Match | None:
    """Whether a component stands where a missing ancestor does: None where not, or where its date contradicts that."""
    members = connection.execute(statement("inferred/members"), {"inferred_id": one.inferred_id}).fetchall()
    dates = [released for *_, released in members]
    if component.name != one.component or model_id in {model for model, *_ in members}:
        return None
    if released_at and any(date is not None and date < released_at for date in dates):
        return None
    at = standing(_kept_node(connection, one, members), component)
    if at is None or not at.matches:
        return None
    return _match(one, at, earlier=bool(released_at and all(date and released_at < date for date in dates)))


def _match(one: InferredAncestor, at: Standing, *, earlier: bool) -> Match:
    return Match(one, False, at.identity, at.way, at.exact_share, earlier)


def _kept_node(
    connection: duckdb.DuckDBPyConnection,
    one: InferredAncestor,
    members: Sequence[tuple[int, float, float, float, datetime | None]],
) -> InferredNode:
    """A missing ancestor with the values of its members, which are read again."""
    number = {"inferred_id": one.inferred_id}
    component, light, exact = connection.execute(statement("inferred/facts"), number).fetchall()[0]
    table = connection.sql(statement("inferred/tensors"), params=number).to_arrow_table()
    keys: list[TensorKey] = [
        (layer, expert, tensor, tuple(shape))
        for layer, expert, tensor, shape in zip(
            *(table[name].to_pylist() for name in ("layer", "expert", "tensor", "shape")), strict=True
        )
    ]
    ids = [model for model, *_ in members]
    loaded = load_models(connection, ids)
    held = [next((c for c in loaded.get(model, []) if c.name == component), None) for model in ids]
    shared = shared_values([c for c in held if c is not None], keys)
    if shared is None or len(shared.keys) != len(keys) or len(shared.values) != len(ids):
        raise RegistryError(f"{one.name}: its rows do not fit those of its models; run `forebear audit --whole`")
    values = table["value"].combine_chunks().flatten().to_numpy().reshape(len(keys), -1).astype(np.float32)
    ways, identities, log10_p = (np.array([row[n] for row in members], np.float64) for n in (1, 2, 3))
    return InferredNode(
        Shared(shared.keys, shared.values, shared.weight), values, exact, ways, identities, log10_p, light
    )


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[dict[str, object]]) -> None:
    """Rows by the names of their columns."""
    empty = connection.table(table).limit(0).to_arrow_table()
    columns = {
        name: pa.array([row[name] for row in rows], empty.schema.field(name).type) for name in empty.column_names
    }
    connection.from_arrow(pa.table(columns, schema=empty.schema)).insert_into(table)
