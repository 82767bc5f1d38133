"""Which models are worth the full evidence: one scan over the sketches of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np

from .records import QuerySketch

MOST_CANDIDATES = 64
FEWEST_CANDIDATES = 24
"""The nearest are always looked at: a relation too weak for the sketch (a shared initialisation) may be among them."""
CENTRAL_CANDIDATES = 16
FAMILY = 2048
"""Members of a large family whose centre is looked for. Of 3,000 siblings the 16 in the middle hold the model that all
come from in 200 questions of 200; the 128 nearest alone held it in 12 of 20. A parent among the siblings is one of the
48 nearest in 100 of 100 up to a drift of 3 %, in 83 at 10 %, where the 112 nearest hold it in 88.
"""
LEAST_Z = 4.0
"""Sketch z of candidates that are looked at, beside the nearest few: relations had 14 and more, strangers 1.0."""
_SQL = Path(__file__).parent

Place = tuple[int, str]
"""A model's id and the name of a component of it."""


def sql(name: str) -> str:
    """The text of `queries/NAME.sql`."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def registered_sketches(connection: duckdb.DuckDBPyConnection, model_id: int) -> tuple[QuerySketch, ...]:
    """The sketches of a model of the registry, by component."""
    rows = connection.execute(sql("sketch_of"), {"model_id": model_id}).fetchall()
    return tuple(QuerySketch(c, p, g, bytes(x), bytes(y), bytes(z), o, d) for c, p, g, x, y, z, o, d in rows)


def candidates(
    connection: duckdb.DuckDBPyConnection, model_id: int, sketch: QuerySketch, kind: str, models: int, k: int
) -> set[Place]:
    """(model, component) that are worth the full evidence, among `models` others; at least `k` where there are.

    Of a family that is larger than can be looked at, the nearest, and those nearest to its centre: among thousands of
    fine-tunes many are as near to one of them as the model that all of them come from, and that one is in their middle.
    """
    parameters = {
        "model_id": model_id,
        "kind": kind,
        "position_roles": sketch.position_roles,
        "gram_roles": sketch.gram_roles,
        "positions": sketch.positions,
        "gram": sketch.gram,
        "columns": sketch.columns,
        "o_filled": sketch.o_filled,
        "down_filled": sketch.down_filled,
        "most": MOST_CANDIDATES,
        "fewest": max(k, FEWEST_CANDIDATES),
        "family": max(k, FAMILY),
        "least_z": least_z(models),
    }
    rows = connection.execute(sql("candidates"), parameters).fetchall()
    alike = [(row[0], row[1]) for row in sorted(rows, key=lambda row: (-row[2], row[0])) if row[2] >= least_z(models)]
    most = max(k, MOST_CANDIDATES)
    if len(alike) <= most:
        return {(row[0], row[1]) for row in rows}
    near, rest = alike[: most - CENTRAL_CANDIDATES], set(alike)
    central = [place for place in _by_centrality(connection, alike) if place not in set(near)]
    found = {(row[0], row[1]) for row in rows if (row[0], row[1]) not in rest}
    return found | set(near) | set(central[:CENTRAL_CANDIDATES])


def _by_centrality(connection: duckdb.DuckDBPyConnection, family: Sequence[Place]) -> list[Place]:
    """A family, those nearest to its centre first: to the signs that most of its members have."""
    rows = connection.execute(sql("signs_of"), {"models": [model for model, _ in family]}).fetchall()
    wanted = set(family)
    members = [((model, component), signs) for model, component, signs in rows if (model, component) in wanted]
    bits = np.unpackbits(
        np.frombuffer(b"".join(signs for _, signs in members), np.uint8).reshape(len(members), -1), axis=1
    )
    apart = (bits != (bits.mean(axis=0) > 0.5)).sum(axis=1)
    return [members[number][0] for number in np.argsort(apart, kind="stable")]


def least_z(models: int) -> float:
    """The sketch z that is worth a look among so many models: hardly any stranger's is beyond sqrt(2 ln models)."""
    return max(LEAST_Z, math.sqrt(2 * math.log(max(1, models))))
