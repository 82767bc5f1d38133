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
from ..changes import kept_by_size, left_in, of_elected_sign


def replay_masked(places: MergePlaces, proposal: Proposal, *, consensus: bool, normalized: bool) -> Floats:
    """At every place the choice of kept changes that gives the model's value; the base's own where none does."""
    changes = _Changes.of(places, proposal)
    made = changes.made(_subsets(len(changes.weighted)), consensus=consensus, normalized=normalized)
    return np.where((made == places.query).any(axis=0), places.query, changes.base)


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
    subsets = _subsets(len(changes.weighted))
    without, with_parent = subsets[~subsets[:, parent]], subsets[subsets[:, parent]]
    made = changes.made(without, consensus=consensus, normalized=normalized)
    given = (made == places.query).any(axis=0) | (changes.base == places.query)
    left = ~given
    some, query, tensor = changes.some(left), places.query[left], places.tensor[left]
    change = proposal.changes_at(places)[parent, left]
    count = len(tries[0])
    counts = np.tile(np.bincount(places.tensor[given], minlength=count), (len(tries), 1))
    for number, scales in enumerate(tries):
        trial = some.scaled(parent, change, some.arithmetic.rounded(scales.astype(np.float32))[tensor])
        equal = (trial.made(with_parent, consensus=consensus, normalized=normalized) == query).any(axis=0)
        counts[number] += np.bincount(tensor[equal], minlength=count)
    return counts


def _subsets(count: int) -> NDArray[np.bool_]:
    """Which of so many changes are kept [2^count, count]: all of them first, none last."""
    return np.array(list(product((True, False), repeat=count)))


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
        scales = places.of_tensors(rounded(proposal.setting.astype(np.float32)))
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
        """The values [choices, m] that come out where some parents' changes are kept [choices, n]."""
        rounded, heard = self.arithmetic.rounded, kept[:, :, np.newaxis]
        some = left_in(self.weighted, heard)
        if consensus:
            heard = of_elected_sign(some, axis=1)
            some = left_in(some, heard)
        total = rounded(np.asarray(some.sum(axis=1), np.float32))
        if normalized:
            divisor = rounded(np.asarray(left_in(self.weights, heard).sum(axis=1), np.float32))
            total = rounded(np.asarray(total / np.where(divisor == 0, 1, divisor), np.float32))
        return rounded(self.base + total)


def kept_shares(places: MergePlaces, proposal: Proposal, *, normalized: bool) -> Vector:
    """How often each parent's change was kept, and how far its size decides it (`kept_by_size`): [2, n].

    Of places where exactly one choice gives the model's value.

    Where signs are elected a change of another sign than the sum's counts for nothing, kept or not: only places where
    all changes have one sign tell.
    """
    every = _Changes.of(places, proposal)
    choices = _subsets(len(every.weighted))
    made = every.made(choices, consensus=normalized, normalized=normalized)
    equal = made == places.query
    changes = proposal.changes_at(places)
    distinct = (np.diff(np.sort(made, axis=0), axis=0) != 0).all(axis=0)
    told = distinct & (equal.sum(axis=0) == 1) & ((changes > 0).all(axis=0) | (changes < 0).all(axis=0))
    if not told.any():
        return np.stack([np.full(len(changes), 0.5), np.zeros(len(changes))])
    kept = choices[equal[:, told].argmax(axis=0)].T
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
