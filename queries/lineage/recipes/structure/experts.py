"""Mixtures of experts made of dense models: every expert the feed-forward of one, all else the base's (mergekit-moe).

*Limitations.* Routers follow from prompts or from chance, and not from the parents: they are not explained. Experts
that were trained, scaled or given noise are nobody's copies, and nothing is told then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....data.component import FFN_ROLES, Component
from ....data.precision import fraction_bits, rounded_to
from ....thresholds.recipes import RECIPE_COPY
from ..places import keys_of

_ROUTERS = frozenset({"router", "norm", "bias"})
"""Roles of tensors that are not looked for in a dense model; norms are compared nowhere in recipes."""


@dataclass(frozen=True, slots=True)
class Experts:
    """The relative that all but the experts are of, and for every expert those that hold its values, the first told.

    `share` is the share of sampled values that these give bit for bit; `rival` the same of the experts by the next
    best relatives.
    """

    base: int
    experts: tuple[tuple[int, ...], ...]
    share: float
    rival: float


def experts_of(query: Component, relatives: Sequence[Component]) -> Experts | None:
    """The dense models whose copies a mixture of experts consists of; None where a part of it is nobody's copy."""
    count = int(query.expert.max(initial=-1)) + 1
    dense = [number for number, relative in enumerate(relatives) if not relative.has_experts]
    if count < 2 or not dense:
        return None
    shares = np.array([_shares(query, relatives[number], count) for number in dense])
    copies = shares >= RECIPE_COPY
    if not copies.any(axis=0).all():
        return None
    bases = np.flatnonzero(copies[:, -1])
    # the base is an expert too where people have a choice of several with the same attention
    order = [*(b for b in bases if copies[b, :-1].any()), *bases]
    experts = tuple(tuple(dense[i] for i in np.flatnonzero(copies[:, e])) for e in range(count))
    others = np.where(copies[:, :-1], 0.0, shares[:, :-1]).max(axis=0)
    return Experts(dense[int(order[0])], experts, float(shares.max(axis=0).mean()), float(others.mean()))


def _shares(query: Component, relative: Component, count: int) -> NDArray[np.float64]:
    """The share of values that a relative gives of every expert, then of all that is in none: [count + 1].

    0 of what it has not all tensors of.
    """
    bits = fraction_bits(query)
    theirs = keys_of(relative)
    equal, total, lacking = np.zeros(count + 1), np.zeros(count + 1), np.zeros(count + 1, np.bool_)
    for (layer, expert, key, shape), row in keys_of(query).items():
        tensor = int(query.positions.tensor[row])
        role = query.roles[tensor]
        if layer < 0 or role in _ROUTERS or (expert < 0 and role in FFN_ROLES):
            continue  # embeddings and heads may be cut or padded; layers without experts say nothing of experts
        other = theirs.get((layer, -1, key, shape))
        if other is None:
            lacking[expert] = True
            continue
        size = int(query.sampled[tensor])
        mine = np.asarray(query.positions.value[row, :size], np.float32)
        values = np.asarray(relative.positions.value[other, :size], np.float32)
        equal[expert] += int((rounded_to(values, bits) == mine).sum())
        total[expert] += size
    return np.where(lacking | (total == 0), 0.0, equal / np.maximum(total, 1))
