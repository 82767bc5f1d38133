"""The Karcher mean: the point of a sphere that is nearest to the parents' tensors, as long as they are in the mean.

Source: Karcher, "Riemannian center of mass and mollifier smoothing", 1977. It is found by steps of gradient descent:
the mean of the logarithms of all parents at a point leads to the next point.

*Limitations.* Parents count alike. The mean is a sum of the parents' tensors with factors that follow from lengths and
angles of whole tensors: they are had from the samples of each tensor, and tuned. Merges that were computed in bfloat16
round each of dozens of steps, whose factors samples do not give: those are not told.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....thresholds.recipes import EQUAL_WEIGHTS_OFF, FACTORS_ASTRAY, FACTORS_OFF, FACTORS_ONE_SHARE
from ..mixtures.pursuit import Mixture
from ..places import Floats, MergePlaces, Vector
from ..proposal import Arithmetic, Method, Proposal, each_way
from ..rounding import tensor_factors

_STEPS = 10
"""Steps of gradient descent, as many as mergekit takes."""
_SMALLEST = 1e-5
"""A tangent of less ends the descent; an angle of less counts for nothing."""
_FLAT = 2.0**-11
"""Factors whose sum is so near to 1 are equal ones as far as half a step of bfloat16 tells."""
_TUNED = (np.linspace(-0.006, 0.006, 25), np.linspace(-0.0015, 0.0015, 21), np.linspace(-0.00015, 0.00015, 25))
"""What is added to a factor: least squares over 256 rounded values give it to some thousandths."""

_MEDIAN_ERROR = 1.858
"""Standard error of the median of normal values, in their median absolute deviations, times the root of how many."""


def estimate_karcher(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """Factors of every tensor for parents whose shares are alike, as its samples give them.

    Where parents hardly differ the sphere is flat, and the factors are equal.
    """
    count = len(mixture.members)
    if mixture.base is not None or count < 2:
        return []
    weights = np.array(mixture.weights)
    if np.abs(weights / weights.sum() - 1 / count).max() > EQUAL_WEIGHTS_OFF:
        return []
    expected = _factors(places, mixture.members)
    if np.abs(expected.sum(axis=0) - 1).max() < _FLAT:
        return [_with(mixture, np.full_like(expected, 1 / count))]
    found = tensor_factors(places, mixture.members)
    shares = found / found.sum(axis=0)
    off = shares - expected / expected.sum(axis=0)
    if np.median(np.abs(off)) > FACTORS_OFF or _astray(off) or (count == 2 and _spread(shares) < FACTORS_ONE_SHARE):
        return []
    return [_with(mixture, found)]


def _spread(shares: Vector) -> float:
    """The median absolute deviation over tensors, the least of all parents [n, tensors]."""
    return float(np.median(np.abs(shares - np.median(shares, axis=1, keepdims=True)), axis=1).min())


def _astray(off: Vector) -> bool:
    """Whether a parent's shares [n, tensors] are off to one side, which the chance of samples is not."""
    middle = np.median(off, axis=1)
    error = _MEDIAN_ERROR * np.median(np.abs(off - middle[:, None]), axis=1) / np.sqrt(off.shape[1])
    return bool((np.abs(middle) > FACTORS_ASTRAY * error).any())


def _with(mixture: Mixture, factors: Vector) -> Proposal:
    """A proposal whose settings are the sum of the factors, then these.

    Parents are nearly one vector: one factor that is moved takes from the others, or it would spoil what these reach.
    """
    setting = np.vstack([factors.sum(axis=0), factors])
    return Proposal(mixture.members, None, factors.mean(axis=1, keepdims=True), Arithmetic(23), setting)


def _factors(places: MergePlaces, members: Sequence[int]) -> Vector:
    """The same [n, tensors] as lengths and angles of the samples give them."""
    values = places.relatives[list(members)].astype(np.float64)
    products = np.empty((int(places.tensor.max()) + 1, len(members), len(members)))
    for i, one in enumerate(values):
        for j in range(i + 1):
            products[:, i, j] = products[:, j, i] = np.bincount(places.tensor, one * values[j])
    return np.stack([_mean_on_sphere(each) for each in products], axis=1)


def _mean_on_sphere(products: Vector) -> Vector:
    """The factors [n] of the Karcher mean of vectors whose inner products [n, n] are given."""
    lengths = np.sqrt(np.diag(products))
    if not (lengths > 0).all():
        return np.full(len(lengths), 1 / len(lengths))
    cosines = products / np.outer(lengths, lengths)
    mean = np.full(len(lengths), 1 / len(lengths))
    mean /= np.sqrt(mean @ cosines @ mean)
    for _ in range(_STEPS):
        dots = np.clip(cosines @ mean, -1.0, 1.0)
        angles = np.arccos(dots)
        pull = np.where(angles < _SMALLEST, 0.0, angles / np.maximum(np.sin(angles), _SMALLEST)) / len(lengths)
        tangent = pull - (pull @ dots) * mean
        length = float(np.sqrt(max(0.0, tangent @ cosines @ tangent)))
        if length < _SMALLEST:
            break
        mean = np.cos(length) * mean + np.sin(length) * tangent / length
        mean /= np.sqrt(mean @ cosines @ mean)
    return np.asarray(lengths.mean() * mean / lengths)


def replay_karcher(places: MergePlaces, proposal: Proposal) -> Floats:
    """The sum of the parents by the factors of their tensors, in float32."""
    if proposal.setting is None:
        raise ValueError("the Karcher mean needs the factors of its tensors")
    ratio = proposal.setting[1:] / proposal.setting[1:].sum(axis=0)
    factors = places.of_tensors((proposal.setting[0] * ratio).astype(np.float32))
    return np.asarray((factors * proposal.parents_at(places)).sum(axis=0), np.float32)


KARCHER = Method(
    "karcher",
    estimate_karcher,
    replay_karcher,
    each_way,
    settings=lambda setting, row, fine: [setting[row] + more for more in _TUNED[fine]],
    gradable=False,
    weighted=False,
    same_as=("multislerp",),  # of equal weights: factors that are tuned do not tell one from the other
    note="the weights are means over tensors; multislerp of equal weights has factors that are near",
)
