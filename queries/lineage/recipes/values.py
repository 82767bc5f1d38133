"""Whose very values does a model hold? Merges that trim changes take many over from their base and their parents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...thresholds.recipes import LEAST_TAKEN
from .places import MergePlaces
from .pursuit import MOST_PARENTS, Mixture


def taken_over(places: MergePlaces, members: Sequence[int], base: int | None) -> list[Mixture]:
    """The members whose values the model consists of for a good part, greedily, each of them in turn for the base.

    Weights are equal: least squares sees the largest changes alone where others were trimmed. Nothing where fewer than
    three take part, or where next to all values are somebody's (the model is one of them, trained).
    """
    equal = places.relatives[list(members)] == places.query
    chosen: list[int] = []
    covered = np.zeros(equal.shape[1], np.bool_)
    while len(chosen) <= MOST_PARENTS:
        gain = (equal & ~covered).mean(axis=1)
        best = int(gain.argmax())
        if gain[best] < LEAST_TAKEN:
            break
        chosen.append(best)
        covered |= equal[best]
    if len(chosen) < 3 or (~covered).mean() < LEAST_TAKEN:
        return []
    taking = [members[i] for i in chosen]
    return [_mixture(places, [m for m in taking if m != ground], ground) for ground in taking if base in (None, ground)]


def _mixture(places: MergePlaces, parents: list[int], base: int) -> Mixture:
    changes = (places.relatives[parents].astype(np.float64) - places.relatives[base]).mean(axis=0) * places.scale
    target = (places.query.astype(np.float64) - places.relatives[base]) * places.scale
    shares = (1 / len(parents),) * len(parents)
    return Mixture(tuple(parents), shares, float(np.square(target - changes).sum()), base, trimmed=True)
