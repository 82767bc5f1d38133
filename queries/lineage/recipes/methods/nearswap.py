"""Nearswap: a base moved by a fixed step towards another model, up to it where that is nearer.

Source: the model card of alchemonaut/QuartetAnemoi-70B-t0.0001: weight = min(1, t / |a - b|).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from ..mixtures.pursuit import Mixture
from ..places import SEARCHED, Floats, MergePlaces
from ..proposal import Arithmetic, Method, Proposal, each_way, either_way
from .changes import spread

_SMALLEST = np.float32(1e-6)
"""A difference that is not divided by: mergekit's own."""
_NEAR = np.concatenate([np.linspace(0.8, 1.25, 46), [1.0]])
"""Factors of the step that are tried; then it is written with as few digits as do as well."""


def estimate_nearswap(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """The step of each of two models towards the other: the median way of what arrived at neither."""
    return either_way(mixture, types, partial(_stepped, places))


def _stepped(places: MergePlaces, base: int, other: int, arithmetic: Arithmetic) -> Proposal | None:
    some = places.thinned(SEARCHED)
    a, b = some.relatives[[base, other]].astype(np.float64)
    moved = np.abs(some.query - a)
    between = (some.query != b) & (moved > 0) & (moved < np.abs(b - a))
    if not between.any():
        return None
    step = float(np.median(moved[between]))
    near = step * _NEAR
    tried = {float(f"{value:.{digits}g}") for value in near for digits in (1, 2, 3)} | {step}
    weight = np.ones((1, 1))

    def made(value: float, at: MergePlaces) -> Proposal:
        return Proposal((other,), base, weight, arithmetic, spread([value], at))

    def share(value: float) -> float:
        return some.share(replay_nearswap(some, made(value, some)))

    best = max(sorted(tried, key=lambda value: (len(f"{value:g}"), value)), key=share)
    found = made(best, places)
    mean = float(_weight(places, found).mean())
    return Proposal((other,), base, np.full((1, 1), mean), arithmetic, found.setting)


def _weight(places: MergePlaces, proposal: Proposal) -> Floats:
    if proposal.setting is None:
        raise ValueError("nearswap needs its step")
    rounded, (other,) = proposal.arithmetic.rounded, proposal.parents_at(places)
    apart = np.maximum(rounded(np.abs(proposal.base_at(places) - other)), _SMALLEST)
    step = places.of_tensors(proposal.setting[0].astype(np.float32))
    inverse = rounded(np.asarray(np.float32(1) / apart, np.float32))
    return np.clip(rounded(np.asarray(inverse * step, np.float32)), 0, 1)  # as tensor libraries divide a number


def replay_nearswap(places: MergePlaces, proposal: Proposal) -> Floats:
    """The mean w b + (1 - w) a with w = min(1, t / |a - b|), every step in the type of the merge."""
    rounded, (other,) = proposal.arithmetic.rounded, proposal.parents_at(places)
    weight = _weight(places, proposal)
    stayed = rounded(rounded(np.float32(1) - weight) * proposal.base_at(places))
    return rounded(rounded(weight * other) + stayed)


NEARSWAP = Method(
    "nearswap",
    estimate_nearswap,
    replay_nearswap,
    each_way,
    gradable=False,
    weighted=False,
    shared=lambda proposal: {"t": float(f"{np.median(proposal.densities[0]):.4g}")},
    note="the weight is the mean over values: each moves by one step at most, which the configuration states",
)
