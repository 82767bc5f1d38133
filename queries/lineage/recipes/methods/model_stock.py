"""Model stock: from a base towards the mean of its children, by the angle between them.

Source: Jang et al., "Model Stock: All we need is just a few fine-tuned models", 2024: t = n cos / (1 + (n - 1) cos).

*Limitations.* The cosine is that of whole tensors, so t is had from the samples of each tensor, and tuned on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np

from ....thresholds.recipes import STOCK_ANGLE_OFF, STOCK_TENSORS
from ..mixtures.pursuit import Mixture
from ..places import Floats, MergePlaces, Vector
from ..proposal import TRIMMED, Arithmetic, Method, Proposal, each_way
from .changes import with_bases
from .linear import MOST_ORDERS

_TUNED = (np.linspace(-0.03, 0.03, 121), np.linspace(-0.006, 0.006, 25))
"""What is added to t: 256 values give it to 0.005; steps of a fourth of what bfloat16 keeps, as 1 - t is
rounded too."""
_COINCIDE = 1 - 1e-6
"""Cosine of two changes from which on they are one."""


def estimate_model_stock(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """The t of every tensor by least squares, of two parents or more."""
    found = []
    for one in with_bases(mixture):
        if one.base is None or len(one.members) < 2:
            continue
        base = places.relatives[one.base].astype(np.float64)
        mean = places.relatives[list(one.members)].mean(axis=0, dtype=np.float64) - base
        products = np.bincount(places.tensor, mean * (places.query - base))
        lengths = np.bincount(places.tensor, np.square(mean))
        t = np.clip(products / np.where(lengths > 0, lengths, 1.0), 0.0, 1.0)[None, :]
        if not _by_angles(places, one.members, one.base, t[0]):
            continue
        weights = np.full((len(one.members), 1), float(t.mean()) / len(one.members))
        orders = permutations(one.members) if len(one.members) <= MOST_ORDERS else (one.members,)
        found += [Proposal(order, one.base, weights, each, t) for order in orders for each in types]
    return found


def _by_angles(places: MergePlaces, members: Sequence[int], base: int, t: Vector) -> bool:
    """Whether the t [tensors] of most tensors is what the angles between the parents' samples give.

    A t of its own for every tensor also gives whole layers of the base beside layers that all parents share.
    """
    changes = places.relatives[list(members)].astype(np.float64) - places.relatives[base]
    lengths = [np.sqrt(np.bincount(places.tensor, np.square(c), len(t))) for c in changes]
    moved = np.min(lengths, axis=0) > 0
    cosines = [
        np.bincount(places.tensor, changes[i] * changes[j], len(t))[moved] / (lengths[i] * lengths[j])[moved]
        for i, j in combinations(range(len(members)), 2)
    ]
    told = (t / (len(members) - (len(members) - 1) * t))[moved]
    angles = np.clip(np.mean(cosines, axis=0), 0.0, 1.0)
    apart = angles < _COINCIDE  # where parents are one, a step says nothing of their angle
    off = (told - angles)[apart]
    if not len(off):
        return False
    in_mean = abs(off.mean()) <= STOCK_ANGLE_OFF / np.sqrt(len(off))
    return bool(in_mean and (np.abs(off) <= STOCK_ANGLE_OFF).mean() >= STOCK_TENSORS)


def replay_model_stock(places: MergePlaces, proposal: Proposal) -> Floats:
    """The mean t + base (1 - t), every step in the type that the merge computes in."""
    if proposal.setting is None:
        raise ValueError("model stock needs the share of every tensor")
    rounded, count = proposal.arithmetic.rounded, len(proposal.members)

    def mean() -> Floats:
        total = np.zeros(len(places.query), np.float32)
        for parent in proposal.parents_at(places):
            total = rounded(total + parent)
        return rounded(total / np.float32(count))

    average = places.once(("mean", proposal.members, proposal.arithmetic.bits), mean)
    t = rounded(proposal.setting[0].astype(np.float32))
    rest = rounded(np.float32(1) - t)
    towards, stayed = places.of_tensors(t) * average, places.of_tensors(rest) * proposal.base_at(places)
    return rounded(rounded(towards) + rounded(stayed))


MODEL_STOCK = Method(
    "model_stock",
    estimate_model_stock,
    replay_model_stock,
    each_way,
    settings=lambda setting, row, fine: [np.clip(setting[row] + more, 0.0, 1.0) for more in _TUNED[min(fine, 1)]],
    gradable=False,
    weighted=False,
    stage=TRIMMED,
    note="the weights are the means over tensors of what the angles between the parents give",
)
