"""Which changes were kept where chance chose: at every place the choice that gives the model's value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...places import Floats, MergePlaces, Vector
from ...proposal import Arithmetic, Proposal
from ..changes import kept_by_size


def replay_masked(places: MergePlaces, proposal: Proposal, *, consensus: bool, normalized: bool) -> Floats:
    """At every place the choice of kept changes that gives the model's value; the base's own where none does."""
    found = proposal.base_at(places).copy()
    for _, made in _choices(places, proposal, consensus=consensus, normalized=normalized):
        found = np.where(made == places.query, made, found)
    return found


def given_by_scales(
    places: MergePlaces,
    proposal: Proposal,
    parent: int,
    tries: Sequence[Vector],
    *,
    consensus: bool,
    normalized: bool,
) -> NDArray[np.int64]:
    """How many values of every tensor the replay gives [tries, tensors], for each of some scales [tensors] of a parent.

    Choices without that parent are made once, and the others only where none of those gives the value.
    """
    changes = _Changes.of(places, proposal)
    given = changes.base == places.query
    for kept in _subsets(len(changes.weighted)):
        if not kept[parent]:
            given |= changes.made(kept, consensus=consensus, normalized=normalized) == places.query
    left = ~given
    some, query, tensor = changes.some(left), places.query[left], places.tensor[left]
    change = proposal.changes_at(places)[parent, left]
    count = len(tries[0])
    counts = np.tile(np.bincount(places.tensor[given], minlength=count), (len(tries), 1))
    for number, scales in enumerate(tries):
        trial = some.scaled(parent, change, some.arithmetic.rounded(scales.astype(np.float32))[tensor])
        equal = np.zeros(len(query), np.bool_)
        for kept in _subsets(len(trial.weighted)):
            if kept[parent]:
                equal |= trial.made(kept, consensus=consensus, normalized=normalized) == query
        counts[number] += np.bincount(tensor[equal], minlength=count)
    return counts


def _subsets(count: int) -> list[NDArray[np.bool_]]:
    """Which of so many changes are kept [count]: all of them first, none last."""
    return [np.array(choice) for choice in product((True, False), repeat=count)]


@dataclass(frozen=True)
class _Changes:
    """The weighted changes [n, m] of n parents at m places, their weights, and the base's values, in a merge's type."""

    weighted: Floats
    weights: Floats
    base: Floats
    arithmetic: Arithmetic

    @classmethod
    def of(cls, places: MergePlaces, proposal: Proposal) -> Self:
        """Those of a proposal, each with the scale of its tensor."""
        if proposal.setting is None:
            raise ValueError("masked changes need their scales")
        rounded, base = proposal.arithmetic.rounded, proposal.base_at(places)
        scales = rounded(proposal.setting.astype(np.float32))[:, places.tensor]
        weights = np.broadcast_to(rounded(proposal.weights_at(places)), (len(scales), len(base)))
        weighted = rounded(rounded(proposal.changes_at(places) * scales) * weights)
        return cls(weighted, weights, base, proposal.arithmetic)

    def some(self, chosen: NDArray[np.bool_]) -> Self:
        """The same at some of the places."""
        return replace(self, weighted=self.weighted[:, chosen], weights=self.weights[:, chosen], base=self.base[chosen])

    def scaled(self, parent: int, change: Floats, scales: Floats) -> Self:
        """The same with a parent's changes [m] under other scales [m]."""
        rounded, weighted = self.arithmetic.rounded, self.weighted.copy()
        weighted[parent] = rounded(rounded(change * scales) * self.weights[parent])
        return replace(self, weighted=weighted)

    def made(self, kept: NDArray[np.bool_], *, consensus: bool, normalized: bool) -> Floats:
        """The values [m] that come out where some parents' changes are kept."""
        rounded = self.arithmetic.rounded
        some, shares = self.weighted[kept], self.weights[kept]
        if consensus and len(some) > 1:
            agree = np.sign(some) == np.where(some.sum(axis=0) >= 0, np.float32(1), np.float32(-1))
            some, shares = some * agree, shares * agree
        total = rounded(np.asarray(some.sum(axis=0), np.float32))
        if normalized and len(some):
            divisor = rounded(np.asarray(shares.sum(axis=0), np.float32))
            total = rounded(np.asarray(total / np.where(divisor == 0, 1, divisor), np.float32))
        return rounded(self.base + total)


def _choices(
    places: MergePlaces, proposal: Proposal, *, consensus: bool, normalized: bool
) -> list[tuple[NDArray[np.bool_], Floats]]:
    """Which parents' changes are kept [n], and the values [m] that come out, for each choice; fewest last."""
    changes = _Changes.of(places, proposal)
    return [
        (kept, changes.made(kept, consensus=consensus, normalized=normalized))
        for kept in _subsets(len(changes.weighted))
    ]


def kept_shares(places: MergePlaces, proposal: Proposal, *, normalized: bool) -> Vector:
    """How often each parent's change was kept, and how often it was then larger than one left out: [2, n].

    Of places where exactly one choice gives the model's value.

    Where signs are elected a change of another sign than the sum's counts for nothing, kept or not: only places where
    all changes have one sign tell.
    """
    choices = _choices(places, proposal, consensus=normalized, normalized=normalized)
    made = np.stack([values for _, values in choices])
    equal = made == places.query
    changes = proposal.changes_at(places)
    distinct = (np.diff(np.sort(made, axis=0), axis=0) != 0).all(axis=0)
    told = distinct & (equal.sum(axis=0) == 1) & ((changes > 0).all(axis=0) | (changes < 0).all(axis=0))
    if not told.any():
        return np.full((2, len(changes)), 0.5)
    kept = np.stack([kept for kept, _ in choices])[equal[:, told].argmax(axis=0)].T
    return np.stack([kept.mean(axis=1), kept_by_size(kept, np.abs(changes[:, told] * places.scale[told]))])


def by_chance(places: MergePlaces, proposal: Proposal, replay: partial[Floats]) -> float:
    """What the same freedom reproduces of the changed places with changes that stand elsewhere in their tensors.

    Places that hold the base's own value are given by whatever is left out, and do not count: where a parent is more
    equal to the model than its base is, they are among the changed ones.
    """
    order = np.lexsort((np.random.default_rng(0).random(len(places.query)), places.tensor))
    relatives = places.relatives.copy()
    if proposal.base is not None:
        ground = relatives[proposal.base]
        members = list(proposal.members)
        relatives[members] = ground + (relatives[members] - ground)[:, order]
    decoy = replace(places, relatives=relatives)
    moved = places.changed
    if proposal.base is not None:
        moved = moved & (places.query != proposal.base_at(places))
    return float((replay(decoy, proposal) == places.query)[moved].mean()) if moved.any() else 1.0
