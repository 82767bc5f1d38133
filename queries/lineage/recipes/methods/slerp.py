"""SLERP: along the arc between two tensors. Source: Shoemake, "Animating rotation with quaternion curves", 1985.

*Limitations.* The angle is that of whole tensors, of which the samples give an estimate; the replay tunes it for each
tensor, so that a share reproduced is a little higher than it would be with the angle given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ....thresholds.recipes import ARC_ANGLE_OFF
from ..mixtures.pursuit import Mixture
from ..places import Floats, MergePlaces, Vector
from ..proposal import Arithmetic, Method, Proposal, shares, transfers
from ..rounding import tensor_factors

LERP_COSINE = 0.9995
"""Above it merging tools take the straight line, which is a linear merge."""
_ANGLES = (np.linspace(0.7, 1.3, 25), np.linspace(0.985, 1.015, 13), np.linspace(0.998, 1.002, 33))
"""Factors of the sampled angle that are tried: 256 values give an angle to 6 % (one standard error), 5 of them 30 %;
then steps of a quarter of a percent, and of an eightieth: half a step moves next to no value."""


def estimate_slerp(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """Both orders come to the same; nothing where the tensors are so near that the arc is the straight line."""
    if mixture.base is not None or len(mixture.members) != 2:
        return []
    angles = sampled_angles(places, *mixture.members)
    if np.median(np.cos(angles)) > LERP_COSINE:
        return []
    return [Proposal(mixture.members, None, shares(mixture.weights), Arithmetic(23, stepwise=False), angles[None, :])]


def sampled_angles(places: MergePlaces, first: int, second: int) -> Vector:
    """The angle [tensors] between two relatives' tensors, from their samples."""
    a, b = places.relatives[[first, second]].astype(np.float64)
    products = [np.bincount(places.tensor, x) for x in (a * b, a * a, b * b)]
    lengths = np.sqrt(products[1] * products[2])
    return np.asarray(np.arccos(np.clip(products[0] / np.where(lengths > 0, lengths, 1.0), -1.0, 1.0)))


def replay_slerp(places: MergePlaces, proposal: Proposal) -> Floats:
    """sin((1 - t) a) / sin(a) x + sin(t a) / sin(a) y in float32; the straight line where cos(a) is above 0.9995."""
    if proposal.setting is None:
        raise ValueError("SLERP needs the angles of its tensors")
    angle = places.of_tensors(proposal.setting[0])
    share = np.broadcast_to(proposal.weights_at(places)[1].astype(np.float64), angle.shape)
    straight = np.cos(angle) > LERP_COSINE
    sine = np.where(straight, 1.0, np.sin(angle))
    mine = np.where(straight, 1.0 - share, np.sin((1.0 - share) * angle) / sine).astype(np.float32)
    other = np.where(straight, share, np.sin(share * angle) / sine).astype(np.float32)
    first, second = proposal.parents_at(places)
    return np.asarray(mine * first + other * second, np.float32)


def within_slerp(places: MergePlaces, proposal: Proposal) -> Proposal:
    """Angle and share of the arc that the two factors of every tensor say; a share is the median of its tensors'.

    As the factors f and g belong to vectors of length 1 at an angle a, f^2 + g^2 + 2 f g cos(a) = 1. The proposal as it
    was where that is another angle than the samples': a straight line between tensors that lie apart is no arc.
    """
    first, second = tensor_factors(places, proposal.members)
    total, product = first + second, first * second
    cosine = 1 - (np.square(total) - 1) / (2 * np.where(product > 0, product, np.inf))
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    straight = cosine > LERP_COSINE
    way = np.where(straight, 1.0, angle)
    share = np.where(straight, second / total, np.arcsin(np.clip(second * np.sin(way), -1.0, 1.0)) / way)
    sampled = sampled_angles(places, *proposal.members)
    if abs(np.median(angle / np.where(sampled > 0, sampled, 1.0)) - 1) > ARC_ANGLE_OFF:
        return proposal
    cell = np.zeros(len(share), np.int64)
    if proposal.weights.shape[1] > 1:
        cell = places.cells[np.searchsorted(places.tensor, np.arange(len(share)))]
    t = np.array([np.median(share[cell == each]) for each in range(int(cell.max()) + 1)])
    if not ((t > 0) & (t < 1)).all():
        return proposal
    return replace(proposal, weights=np.stack([1 - t, t]), setting=angle[None, :])


SLERP = Method(
    "slerp",
    estimate_slerp,
    replay_slerp,
    transfers,
    settings=lambda angles, row, fine: [angles[row] * factor for factor in _ANGLES[fine]],
    on_arc=True,
    within=within_slerp,
    same_as=("nuslerp",),  # without a base, over flattened tensors: its defaults
)
