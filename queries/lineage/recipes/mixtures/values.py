"""Whose very values does a model hold? Merges that trim changes take many over from their base and their parents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ....thresholds.recipes import LEAST_TAKEN, MOVED_TOWARDS, NEXT_EQUAL
from ..places import MergePlaces
from .pursuit import MOST_PARENTS, Mixture, mixtures_of_changes, span_of

MOST_BASES = 3
"""Bases that are tried of those that a merge is nearly as equal to."""
MOST_MASKED = 4
"""Parents of a merge that leaves changes out: each doubles what a place may hold where they are left out at random."""


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


def over_most_equal(places: MergePlaces, members: Sequence[int], base: int | None) -> list[Mixture]:
    """Changes of the member that the model is most equal to, by two others and by more: where changes were left out.

    Where all changes were left out the base's own value stands. Least squares over all others gives the parents: what
    was left out at random takes as much from each. None where hardly a value is anybody's.
    """
    span = span_of(places)
    found: list[Mixture] = []
    for ground in bases_of(places, members, base):
        others = [member for member in members if member != ground]
        while len(others) > 1 and (mixture := next(iter(mixtures_of_changes(span.apart, others, [ground])), None)):
            if len(mixture.members) > 1 and len(mixture.members) <= MOST_MASKED:
                found.append(replace(mixture, trimmed=True))
            others = list(mixture.members[:-1])  # the least of them goes, and the others are fitted again
    return found


def bases_of(places: MergePlaces, members: Sequence[int], base: int | None) -> list[int]:
    """The members that the model is most equal to, or the given base; none where hardly a value is anybody's."""
    equal = {member: float((places.relatives[member] == places.query).mean()) for member in members}
    most = max(equal.values(), default=0.0)
    if most < LEAST_TAKEN:
        return []
    bases = [m for m in members if equal[m] >= most * NEXT_EQUAL] if base is None else [base]
    return sorted(bases, key=lambda m: -equal[m])[:MOST_BASES]


def moved_towards(places: MergePlaces, members: Sequence[int]) -> list[Mixture]:
    """The nearest member and the other one towards which every value has moved that moved at all; none where none is.

    By how much does not count: a step of fixed size, which least squares hardly sees. The same from the member that
    the model is most equal to, of which the largest values alone may have been taken from another.
    """
    apart = [float(np.square((places.relatives[m] - places.query) * places.scale).sum()) for m in members]
    equal = [float((places.relatives[m] == places.query).mean()) for m in members]
    grounds = dict.fromkeys((int(np.argmin(apart)), int(np.argmax(equal))))
    return [
        Mixture((members[ground], other), (0.5, 0.5), apart[ground])
        for ground in grounds
        if (other := _moved_from(places, members, members[ground])) is not None
    ]


def _moved_from(places: MergePlaces, members: Sequence[int], ground: int) -> int | None:
    moved = places.query != places.relatives[ground]
    way = np.sign(places.query[moved] - places.relatives[ground][moved])
    agree = {
        m: float((np.sign(places.relatives[m][moved] - places.relatives[ground][moved]) == way).mean())
        for m in members
        if m != ground and moved.any()
    }
    other = max(agree, key=lambda m: agree[m], default=None)
    return other if other is not None and agree[other] >= MOVED_TOWARDS else None


def _mixture(places: MergePlaces, parents: list[int], base: int) -> Mixture:
    changes = (places.relatives[parents].astype(np.float64) - places.relatives[base]).mean(axis=0) * places.scale
    target = (places.query.astype(np.float64) - places.relatives[base]) * places.scale
    shares = (1 / len(parents),) * len(parents)
    return Mixture(tuple(parents), shares, float(np.square(target - changes).sum()), base, trimmed=True)
