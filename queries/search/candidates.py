"""Which models are worth the full evidence? One rule, by what sketches say of all of them.

For one component of a query, with z as `candidates.sql` tells it:
1. the FEWEST_CANDIDATES nearest by positions, whatever their z: a relation too weak for the sketch (a shared
   initialisation) may be among them;
2. those whose positions have a z of `least_z`: all, or of a family of more than MOST_CANDIDATES what `of_family` takes;
3. of those that positions do not reach, MOST_CANDIDATES by gram, and FEWEST_CANDIDATES by column sets that gram does
   not reach either;
4. FEWEST_CANDIDATES by activations, wherever they have that z: nothing else reaches a model that was rewritten in
   every way at once.

Here it is asked for one query, by a scan; `all_pairs` asks it for all at once.
"""

from __future__ import annotations

import math

import duckdb
import numpy as np
from numpy.typing import NDArray

from ..data.query import QuerySketch
from ..sql import statement
from ..thresholds.search import CENTRAL_CANDIDATES, FAMILY_MEMBERS, FEWEST_CANDIDATES, LEAST_Z, MOST_CANDIDATES

Place = tuple[int, str]
"""A model's id and the name of a component of it."""


def candidates(
    connection: duckdb.DuckDBPyConnection, model_id: int, sketch: QuerySketch, kind: str, models: int, k: int
) -> set[Place]:
    """(model, component) that are worth the full evidence, among `models` others; at least `k` where there are."""
    by_weights = _by_weights(connection, model_id, sketch, kind, models, k)
    if not sketch.activations:
        return by_weights
    parameters = {
        "model_id": model_id,
        "kind": kind,
        "signs": sketch.activations,
        "least_z": least_z(models),
        "most": FEWEST_CANDIDATES,
    }
    rows = connection.execute(statement("search/activation_candidates"), parameters).fetchall()
    return by_weights | {(model, component) for model, component, _ in rows}


def _by_weights(
    connection: duckdb.DuckDBPyConnection, model_id: int, sketch: QuerySketch, kind: str, models: int, k: int
) -> set[Place]:
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
        "family": max(k, FAMILY_MEMBERS),
        "least_z": least_z(models),
    }
    rows = connection.execute(statement("search/candidates"), parameters).fetchall()
    near = sorted((-z, model, component) for model, component, z, *_ in rows if z >= least_z(models))
    family = [(model, component) for _, model, component in near]
    if len(family) <= MOST_CANDIDATES:
        return {(row[0], row[1]) for row in rows}
    taken = of_family(_signs(connection, family), most=max(k, MOST_CANDIDATES))
    far = {(row[0], row[1]) for row in rows} - set(family)
    return far | {family[place] for place in taken.tolist()}


def of_family(signs: NDArray[np.uint8], *, most: int = MOST_CANDIDATES) -> NDArray[np.int64]:
    """Which members of a family are looked at? `signs` [n, bytes] are their signs of positions, the nearest first.

    All of them where they are few. Of more than `most` the nearest, and of the others the CENTRAL_CANDIDATES that are
    nearest to the centre, the signs that more than half have: among thousands of fine-tunes many are as near to one of
    them as the model that all of them come from, and that one is in their middle.
    """
    if len(signs) <= most:
        return np.arange(len(signs))
    bits = np.unpackbits(signs, axis=1)
    centre = np.packbits(2 * bits.sum(axis=0, dtype=np.int32) > len(signs))
    near = most - CENTRAL_CANDIDATES
    apart = np.bitwise_count(signs[near:] ^ centre).sum(axis=1, dtype=np.int64)
    central = near + np.argsort(apart, kind="stable")[:CENTRAL_CANDIDATES]
    return np.concatenate([np.arange(near), np.sort(central)])


def _signs(connection: duckdb.DuckDBPyConnection, places: list[Place]) -> NDArray[np.uint8]:
    """The packed signs of positions [n, 224] of components, in their order."""
    rows = connection.execute(statement("search/signs"), {"models": sorted({model for model, _ in places})}).fetchall()
    signs = {(model, component): packed for model, component, packed in rows}
    return np.frombuffer(b"".join(signs[place] for place in places), np.uint8).reshape(len(places), -1)


def least_z(models: int) -> float:
    """The sketch z that is worth a look among so many models: hardly any other's is beyond sqrt(2 ln models)."""
    return max(LEAST_Z, math.sqrt(2 * math.log(max(1, models))))
