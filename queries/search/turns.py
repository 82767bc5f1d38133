"""Whom to look at first, where not all candidates can be: those of which a registry has the sketches alone.

The same candidates as `candidates` gives, in this order:
1. the query's family by positions: three nearest to the query, then the one nearest to the family's centre that was not
   taken yet, and so on, which are the proportions of MOST_CANDIDATES and CENTRAL_CANDIDATES;
2. what gram or column sets find beyond `least_z`, by the largest z, then what activations find;
3. what is nearest by positions whatever its z, by that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.query import QuerySketch
from ..thresholds.search import CENTRAL_CANDIDATES, MOST_CANDIDATES
from .candidates import beyond_chance, by_activations, from_centre, least_z, reached
from .packed import Place
from .scan import Scan


@dataclass(frozen=True, slots=True)
class Turns:
    """Candidates (model, component), the likeliest first; the first `beyond_chance` of them have a z of `least_z`."""

    places: tuple[Place, ...]
    beyond_chance: int


def in_turn(scan: Scan, model_id: int, sketch: QuerySketch, kind: str, models: int, k: int) -> Turns:
    """The candidates of one component of a query among `models` others, the likeliest first."""
    family, others = reached(scan, model_id, sketch, kind, models, k)
    least = least_z(models)
    found = _family_in_turn(scan, family)
    found += [row[:2] for row in others if beyond_chance(row, least)]
    found += by_activations(scan, model_id, sketch, kind, models).difference(found)
    strong = len(found)
    weak = [row[:2] for row in others]
    return Turns(tuple(dict.fromkeys([*found, *weak])), strong)


def _family_in_turn(scan: Scan, family: list[Place]) -> list[Place]:
    """Members of a family, the nearest first, with the most central that was not taken yet in every fourth place."""
    if not family:
        return []
    central = [family[i] for i in np.argsort(from_centre(scan.positions(family)), kind="stable").tolist()]
    every = MOST_CANDIDATES // CENTRAL_CANDIDATES
    found: dict[Place, None] = {}
    for nearest in range(0, len(family), every - 1):
        found |= dict.fromkeys(family[nearest : nearest + every - 1])
        found |= dict.fromkeys([one for one in central if one not in found][:1])
    return list(found)
