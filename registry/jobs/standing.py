"""Where a model stands beside the missing ancestors of a registry, and how those are kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa

from ...ingest.errors import RegistryError
from ...queries.data.component import Component
from ...queries.data.loading import load_components
from ...queries.data.query import VALUES, Query, SketchesOnly, registered_query, rows_of_models
from ...queries.lineage.missing.inferring import InferredNode, shared_values, standing
from ...queries.lineage.recipes.places import TensorKey
from ...queries.search.candidates import candidates
from ...queries.search.scan import SqlScan
from ...queries.sql import statement
from ..store.inferred import InferredAncestor, Match, ancestors_of, inferred_ancestors
from ..store.transactions import typed_names

_log = logging.getLogger(__name__)


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
        near = {m for m, _ in candidates(SqlScan(connection), query.model_id, sketch, component.name, models, 1)}
        for number in ancestors_of(connection, sorted(near)):
            found = match_of(connection, every[number], component, query.model_id, query.released_at)
            if found is not None:
                yield found


@dataclass(frozen=True)
class KeptNode:
    """A missing ancestor as it is kept: the release dates of its `members` by model id, and its values with theirs."""

    of: InferredAncestor
    members: Mapping[int, datetime | None]
    node: InferredNode


def match_of(
    connection: duckdb.DuckDBPyConnection,
    one: InferredAncestor,
    component: Component,
    model_id: int,
    released_at: datetime | None,
) -> Match | None:
    """Whether a component stands where a missing ancestor does: None where not, or where its date contradicts that."""
    members = {model: released for model, *_, released in _members(connection, one)}
    if not _may_match(one, members, component, model_id, released_at):
        return None
    return match_with(kept_node(connection, one), component, model_id, released_at)


def match_with(kept: KeptNode, component: Component, model_id: int, released_at: datetime | None) -> Match | None:
    """As `match_of`, of a missing ancestor whose values were read."""
    if not _may_match(kept.of, kept.members, component, model_id, released_at):
        return None
    dates = kept.members.values()
    earlier = bool(released_at and all(date and released_at < date for date in dates))
    at = standing(kept.node, component)
    if at is None or not at.matches(earlier=earlier):
        return None
    return Match(kept.of, False, at.identity, at.way, at.exact_share, earlier)


def _may_match(
    one: InferredAncestor,
    members: Mapping[int, datetime | None],
    component: Component,
    model_id: int,
    released_at: datetime | None,
) -> bool:
    """Whether it is no member, of the same component, and not released after one of the members."""
    if component.name != one.component or model_id in members:
        return False
    return not (released_at and any(date is not None and date < released_at for date in members.values()))


def _members(
    connection: duckdb.DuckDBPyConnection, one: InferredAncestor
) -> list[tuple[int, float, float, float, datetime | None]]:
    """Model, own way, identity, log10 p and release date of every member."""
    return connection.execute(statement("inferred/members"), {"inferred_id": one.inferred_id}).fetchall()


def kept_node(connection: duckdb.DuckDBPyConnection, one: InferredAncestor) -> KeptNode:
    """A missing ancestor with the values of its members, which are read again.

    Raises SketchesOnly where members are here by their sketches alone, RegistryError where the rows do not fit theirs.
    """
    number = {"inferred_id": one.inferred_id}
    members = _members(connection, one)
    component, light, exact = connection.execute(statement("inferred/facts"), number).fetchall()[0]
    table = connection.sql(statement("inferred/tensors"), params=number).to_arrow_table()
    keys: list[TensorKey] = [
        (layer, expert, tensor, tuple(shape))
        for layer, expert, tensor, shape in zip(
            *(table[name].to_pylist() for name in ("layer", "expert", "tensor", "shape")), strict=True
        )
    ]
    ids = [model for model, *_ in members]
    with typed_names(connection):
        loaded = load_components(rows_of_models(connection, ids, VALUES))
    held = [next((c for c in loaded.get(model, []) if c.name == component), None) for model in ids]
    shared = shared_values([c for c in held if c is not None], keys)
    if shared is None or len(shared.keys) != len(keys) or len(shared.values) != len(ids):
        raise RegistryError(f"{one.name}: its rows do not fit those of its models; run `forebear audit --whole`")
    values = table["value"].combine_chunks().flatten().to_numpy().reshape(len(keys), -1).astype(np.float32)
    ways, identities, log10_p = (np.array([row[n] for row in members], np.float64) for n in (1, 2, 3))
    node = InferredNode(shared, values, exact, ways, identities, log10_p, light)
    return KeptNode(one, {model: released for model, *_, released in members}, node)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows by the names of their columns."""
    empty = connection.table(table).limit(0).to_arrow_table()
    arrays = [pa.array([row[name] for row in rows], empty.schema.field(name).type) for name in empty.column_names]
    connection.from_arrow(pa.Table.from_arrays(arrays, schema=empty.schema)).insert_into(table)
