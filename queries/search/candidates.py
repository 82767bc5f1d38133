"""Which models are worth the full evidence? One rule, by what sketches say of all of them.

For one component of a query, with z as `candidates.sql` tells it:
1. the FEWEST_CANDIDATES nearest by positions, whatever their z: a relation too weak for the sketch (a shared
   initialisation) may be among them. In a registry of more than WEAK_UP_TO models it is not, and they only fill the
   rows that are asked for and that nothing below reaches;
2. those whose positions have a z of `least_z`: all, or of a family of more than MOST_CANDIDATES what `of_family` takes;
3. of those that positions do not reach, MOST_CANDIDATES by gram, and FEWEST_CANDIDATES by column sets that gram does
   not reach either;
4. FEWEST_CANDIDATES by activations, wherever they have that z: nothing else reaches a model that was rewritten in
   every way at once.

Here it is asked for one query, by a `Scan`; `all_pairs` asks it for all at once.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..data.query import QuerySketch
from ..thresholds.search import (
    CENTRAL_CANDIDATES,
    FAMILY_MEMBERS,
    FEWEST_CANDIDATES,
    LEAST_Z,
    MOST_CANDIDATES,
    WEAK_UP_TO,
)
from .packed import Place
from .scan import Limits, Near, Scan


def candidates(scan: Scan, model_id: int, sketch: QuerySketch, kind: str, models: int, k: int) -> set[Place]:
    """(model, component) that are worth the full evidence, among `models` others; at least `k` where there are."""
    return by_weights(scan, model_id, sketch, kind, models, k) | by_activations(scan, model_id, sketch, kind, models)


def by_activations(scan: Scan, model_id: int, sketch: QuerySketch, kind: str, models: int) -> set[Place]:
    """Those that activations reach: point 4 of the rule."""
    if not sketch.activations:
        return set()
    return set(scan.by_activations(model_id, sketch.activations, kind, FEWEST_CANDIDATES, least_z(models)))


def by_weights(scan: Scan, model_id: int, sketch: QuerySketch, kind: str, models: int, k: int) -> set[Place]:
    """Those that weights reach: points 1 to 3 of the rule."""
    family, others = reached(scan, model_id, sketch, kind, models, k)
    return {*family, *((model, component) for model, component, *_ in others)}


def reached(
    scan: Scan, model_id: int, sketch: QuerySketch, kind: str, models: int, k: int
) -> tuple[list[Place], list[Near]]:
    """Those that weights reach: of the query's family by positions, the nearest first; and the rows of the others."""
    least = least_z(models)
    nearest = max(k, FEWEST_CANDIDATES if models <= WEAK_UP_TO else 0)
    limits = Limits(nearest, max(k, FAMILY_MEMBERS), MOST_CANDIDATES, FEWEST_CANDIDATES, least)
    rows = scan.by_weights(model_id, sketch, kind, limits)
    near = sorted((-z, model, component) for model, component, z, *_ in rows if z >= least)
    family = [(model, component) for _, model, component in near]
    members = set(family)
    others = [row for row in rows if row[:2] not in members]
    if models > WEAK_UP_TO:
        found = [row for row in others if beyond_chance(row, least)]
        missing = max(0, k - len({model for model, *_ in (*family, *found)}))
        others = found + [row for row in others if not beyond_chance(row, least)][:missing]
    if len(family) > MOST_CANDIDATES:
        family = [family[i] for i in of_family(scan.positions(family), most=max(k, MOST_CANDIDATES)).tolist()]
    return family, others


def beyond_chance(row: Near, least: float) -> bool:
    """Whether a row has a z of `least` by any kind; NaN, of kinds that the two do not share, is none."""
    return any(z >= least for z in row[2:])


def of_family(signs: NDArray[np.uint8], *, most: int = MOST_CANDIDATES) -> NDArray[np.int64]:
    """Which members of a family are looked at? `signs` [n, bytes] are their signs of positions, the nearest first.

    All of them where they are few. Of more than `most` the nearest, and of the others the CENTRAL_CANDIDATES that are
    nearest to the centre, the signs that more than half have: among thousands of fine-tunes many are as near to one of
    them as the model that all of them come from, and that one is in their middle.
    """
    if len(signs) <= most:
        return np.arange(len(signs))
    near = most - CENTRAL_CANDIDATES
    central = near + np.argsort(from_centre(signs)[near:], kind="stable")[:CENTRAL_CANDIDATES]
    return np.concatenate([np.arange(near), np.sort(central)])


def from_centre(signs: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many signs [n] of each member [n, bytes] differ from the centre's, those that more than half have."""
    bits = np.unpackbits(signs, axis=1)
    centre = np.packbits(2 * bits.sum(axis=0, dtype=np.int32) > len(signs))
    return np.bitwise_count(signs ^ centre).sum(axis=1, dtype=np.int64)


def least_z(models: int) -> float:
    """The sketch z that is worth a look among so many models: hardly any other's is beyond sqrt(2 ln models)."""
    return max(LEAST_Z, math.sqrt(2 * math.log(max(1, models))))
