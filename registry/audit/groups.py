"""Connected groups: families of relatives, and copies of one model."""

from __future__ import annotations

from collections.abc import Sequence

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
    members, labels = groups_of(first, second)
    order = np.lexsort((age[np.searchsorted(ids, members)], labels))
    originals = members[order[np.unique(labels[order], return_index=True)[1]]]
    found = [(int(m), int(originals[g])) for m, g in zip(members, labels, strict=True) if m != originals[g]]
    table = pa.table(
        {
            "run_id": pa.array([scope.run_id] * len(found), pa.uint32()),
            "id": pa.array([copy for copy, _ in found], pa.uint32()),
            "original_id": pa.array([original for _, original in found], pa.uint32()),
            "reason": pa.array([_reason(reasons.get((min(pair), max(pair)), ())) for pair in found], pa.string()),
        }
    )
    connection.from_arrow(table).insert_into("audit_duplicate")


def _reason(found: Sequence[str]) -> str:
    return ", ".join(sorted(set(found))) or "a copy of another copy"
