"""Connected groups: families of relatives, and copies of one model."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ...queries.sql import statement
from .scope import Scope

Ids = NDArray[np.int64]


def groups_of(first: Ids, second: Ids) -> tuple[Ids, Ids]:
    """Members, ascending, and the group of each, for edges first [n] - second [n]; groups in order of first members."""
    members = np.unique(np.concatenate([first, second]))
    at = np.searchsorted(members, first), np.searchsorted(members, second)
    graph = coo_array((np.ones(len(first), np.int8), at), shape=(len(members), len(members)))
    _, labels = connected_components(graph, directed=False)
    return members, labels.astype(np.int64)


def keep_models(connection: duckdb.DuckDBPyConnection, scope: Scope) -> None:
    """Write the models of a run, with their families and copies, from the pairs it found."""
    everyone = sorted({*scope.asked, *scope.against})
    models = connection.sql(statement("audit/scope"), params={"models": everyone}).to_arrow_table()
    ids = np.asarray(models["model_id"].to_numpy(), np.int64)
    age = np.asarray(models["age"].to_numpy(), np.int64)
    family = _keep_families(connection, scope, models["name"], ids, age)
    kept = pa.table(
        {
            "run_id": pa.array(np.full(len(ids), scope.run_id, np.uint32)),
            "id": models["model_id"],
            "name": models["name"],
            "source": models["uri"],
            "license": models["license"],
            "asked": pa.array(np.isin(ids, scope.asked)),
            "family_id": pa.array(family, pa.uint32(), mask=family < 0),
        }
    )
    connection.from_arrow(kept).insert_into("audit_model")
    _keep_copies(connection, scope, ids, age)


def _keep_families(
    connection: duckdb.DuckDBPyConnection, scope: Scope, names: pa.ChunkedArray, ids: Ids, age: Ids
) -> Ids:
    """Write the families; the family of every model, -1 for none."""
    edges = connection.execute(statement("audit/edges"), {"run_id": scope.run_id}).fetchnumpy()
    first, second = (np.asarray(edges[name], np.int64) for name in ("query_id", "relative_id"))
    nearest = np.asarray(edges["nearest"], np.bool_)
    members, labels = groups_of(first, second)
    votes = np.bincount(np.searchsorted(members, second[nearest]), minlength=len(members))
    place = np.searchsorted(ids, members)
    order = np.lexsort((age[place], -votes, labels))  # of each family the member with most votes first
    heads = order[np.unique(labels[order], return_index=True)[1]]
    table = pa.table(
        {
            "run_id": pa.array(np.full(len(heads), scope.run_id, np.uint32)),
            "family_id": pa.array(labels[heads] + 1, pa.uint32()),
            "name": names.take(pa.array(place[heads])),
            "members": pa.array(np.bincount(labels, minlength=len(heads)), pa.uint32()),
        }
    )
    connection.from_arrow(table).insert_into("audit_family")
    family = np.full(len(ids), -1, np.int64)
    family[place] = labels + 1
    return family


def _keep_copies(connection: duckdb.DuckDBPyConnection, scope: Scope, ids: Ids, age: Ids) -> None:
    """Write the copies of every group but its original, each with how it is known to be one."""
    parameters = {"models": ids.tolist(), "run_id": scope.run_id}
    rows = connection.execute(statement("audit/copies"), parameters).fetchall()
    first, second = (np.array([row[i] for row in rows], np.int64) for i in (0, 1))
    reasons: dict[tuple[int, int], list[str]] = {}
    for one, other, reason in rows:
        reasons.setdefault((min(one, other), max(one, other)), []).append(reason)
    found = _originals(first, second, dict(zip(ids.tolist(), age.tolist(), strict=True)))
    table = pa.table(
        {
            "run_id": pa.array([scope.run_id] * len(found), pa.uint32()),
            "id": pa.array([copy for copy, _ in found], pa.uint32()),
            "original_id": pa.array([original for _, original in found], pa.uint32()),
            "reason": pa.array([", ".join(sorted(set(reasons[min(pair), max(pair)]))) for pair in found], pa.string()),
        }
    )
    connection.from_arrow(table).insert_into("audit_duplicate")


def _originals(first: Ids, second: Ids, age: Mapping[int, int]) -> list[tuple[int, int]]:
    """Every copy with what it is a copy of, for pairs first [n] - second [n] of copies; `age` orders the models.

    That is the oldest of its group, or else the one through which it is a copy of that one: two roundings of one model
    are no copies of each other.
    """
    partners: dict[int, set[int]] = {}
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        partners.setdefault(one, set()).add(other)
        partners.setdefault(other, set()).add(one)
    original: dict[int, int] = {}
    for oldest in sorted(partners, key=age.__getitem__):
        reached = [] if oldest in original else [oldest]
        original.setdefault(oldest, oldest)
        for model in reached:
            new = sorted(partners[model] - original.keys(), key=age.__getitem__)
            original.update(dict.fromkeys(new, model))
            reached.extend(new)
    return sorted((copy, of) for copy, of in original.items() if copy != of)
