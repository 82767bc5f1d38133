"""The Karcher mean of models that hardly differ, computed in a short type: every step rounded.

Where parents lie within the angle whose cosine bfloat16 rounds to 1 (a drift of 6 %; real fine-tunes have less), each
angle is 0 and the descent ends before its first step. What is left are a division of every parent by its length, their
mean in steps, and a product with the mean of the lengths. Rounding makes that differ from every other mean: a fourth to
a half of the values are others.

*Limitations.* The lengths are those of whole tensors, of which the registry holds samples: those of each tensor are
searched under which its values come out, so that the share is a little flattered. A power of two in a length cancels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....thresholds.recipes import EQUAL_WEIGHTS_OFF, REFINING_FROM
from ..mixtures.pursuit import Mixture
from ..places import Floats, MergePlaces, Vector
from ..proposal import SELECTED, Arithmetic, Method, Proposal, each_way
from .linear import MOST_ORDERS

_OCTAVE = np.exp2(np.arange(0, 1, 1 / 700))
"""Lengths of one power of two, in steps of a thousandth: half a step moves one value of ten."""
_NEAR = 1 + np.linspace(-7e-4, 7e-4, 29)
_APART = (1 + np.linspace(-1e-3, 1e-3, 41), 1 + np.linspace(-1e-4, 1e-4, 21))
"""Factors of all lengths of a tensor, then of each: samples give the ratio of two to a thousandth."""
_FEW = 128
"""Values of a tensor that all lengths are tried on: a standard error of 0.04."""
_STARTS = 3


def estimate_karcher_rounded(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """Lengths of every tensor, in the order of parents that reproduces most; nothing where one tensor does not fit."""
    equal = _alike(mixture)
    if mixture.base is not None or len(equal) < 2:
        return []
    short = [Arithmetic(each.bits) for each in types if each.bits == places.bits < 23]
    found = []
    middle = int(places.tensor.max()) // 2
    for arithmetic in short:
        for order in _orders(len(equal)):
            members = tuple(equal[i] for i in order)
            if _lengths(places, members, arithmetic, middle)[1] >= REFINING_FROM:
                found.append((members, arithmetic))
    return [_of_all(places, members, arithmetic) for members, arithmetic in found]


def _alike(mixture: Mixture) -> tuple[int, ...]:
    """The most members whose shares are alike once the others are left out: rounding gives relatives a little."""
    order = np.argsort(mixture.weights, kind="stable")[::-1].tolist()
    for count in range(len(order), 1, -1):
        shares = np.array([mixture.weights[i] for i in order[:count]])
        if np.abs(shares / shares.sum() - 1 / count).max() <= EQUAL_WEIGHTS_OFF:
            return tuple(mixture.members[i] for i in order[:count])
    return ()


def _orders(count: int) -> list[tuple[int, ...]]:
    """Each of three parents as the last of the sum, as the first two may change places; of more the order as it is."""
    lasts = range(count) if 2 < count <= MOST_ORDERS else [count - 1]
    return [(*(i for i in range(count) if i != last), last) for last in lasts]


def _of_all(places: MergePlaces, members: tuple[int, ...], arithmetic: Arithmetic) -> Proposal:
    lengths = [_lengths(places, members, arithmetic, tensor)[0] for tensor in range(int(places.tensor.max()) + 1)]
    weights = np.full((len(members), 1), 1 / len(members))
    return Proposal(members, None, weights, arithmetic, np.stack(lengths, axis=1))


def _lengths(
    places: MergePlaces, members: tuple[int, ...], arithmetic: Arithmetic, tensor: int
) -> tuple[Vector, float]:
    """The lengths [n] of one tensor's parents under which most of its values come out, and the share of these."""
    inside = slice(*np.searchsorted(places.tensor, (tensor, tensor + 1)).tolist())
    query, parents = places.query[inside], arithmetic.rounded(places.relatives[list(members), inside])

    def shares(lengths: Vector, most: int | None = None) -> Vector:
        made = _mean(parents[:, None, :most], lengths[:, :, None], arithmetic)
        return np.asarray((made == query[:most]).mean(axis=1))

    size = np.sqrt(np.square(parents.astype(np.float64)).mean(axis=1))[:, None]
    if not (size > 0).all():
        return np.ones(len(members)), 0.0
    ratio = size / size[0]
    starts = _OCTAVE[np.argsort(-shares(ratio * _OCTAVE, _FEW), kind="stable")[:_STARTS]]
    tries = ratio * np.outer(starts, _NEAR).reshape(-1)
    best = tries[:, int(shares(tries).argmax())]
    for factors in _APART:
        for parent in range(len(members)):
            near = np.repeat(best[:, None], len(factors), axis=1)
            near[parent] *= factors
            reached = shares(near)
            if reached.max() > reached[len(factors) // 2]:
                best = near[:, int(reached.argmax())]
    return best, float(shares(best[:, None])[0])


def _mean(parents: Floats, lengths: Vector, arithmetic: Arithmetic) -> Floats:
    """The mean of parents [n, ..] of the lengths [n, ..], as far as these broadcast, every step rounded."""
    rounded, divisor = arithmetic.rounded, lengths.astype(np.float32)
    mean = np.zeros(np.broadcast_shapes(parents.shape, lengths.shape)[1:], np.float32)
    for parent, length in zip(parents, divisor, strict=True):
        unit = rounded(parent / length)
        mean = rounded(mean + rounded(np.float32(1 / len(parents)) * unit))
    return rounded(mean * rounded(divisor.mean(axis=0)))


def replay_karcher_rounded(places: MergePlaces, proposal: Proposal) -> Floats:
    """The mean of the parents divided by their lengths, times the mean length."""
    if proposal.setting is None:
        raise ValueError("the Karcher mean needs the lengths of its tensors")
    return _mean(proposal.parents_at(places), places.of_tensors(proposal.setting), proposal.arithmetic)


KARCHER_ROUNDED = Method(
    "karcher",
    estimate_karcher_rounded,
    replay_karcher_rounded,
    each_way,
    gradable=False,
    weighted=False,
    stage=SELECTED,
    note="parents of a Karcher mean count alike; the lengths of whole tensors are estimated from their samples",
)
