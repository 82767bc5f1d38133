"""Profiles over the layers of the standard deviations of q, k, v and o.

Yoon et al. 2025, arXiv 2507.03014: each profile is standardised over the layers, two models' profiles are correlated,
and the four correlations averaged. Profiles of unequal depth are interpolated to the shorter one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..weights import Weights
from . import ATTENTION, Method

Profiles = dict[str, NDArray[np.float64]]


def profiles(weights: Weights) -> Profiles:
    """Role -> standard deviation in every layer."""
    found = {}
    for role in sorted(ATTENTION):
        deviations = [float(m.std()) for m in weights.stack(role) if m is not None]
        if len(deviations) > 1:
            found[role] = np.array(deviations)
    return found


def correlation(first: Profiles, second: Profiles) -> float:
    """Mean correlation of the profiles of equal roles; nan when there are fewer than three layers."""
    values = []
    for role in sorted(first.keys() & second.keys()):
        depth = min(len(first[role]), len(second[role]))
        one, other = (_resampled(profile, depth) for profile in (first[role], second[role]))
        if depth > 2 and one.std() > 0 and other.std() > 0:
            values.append(float(np.corrcoef(one, other)[0, 1]))
    return sum(values) / len(values) if values else math.nan


def _resampled(profile: NDArray[np.float64], depth: int) -> NDArray[np.float64]:
    places = np.linspace(0, len(profile) - 1, depth)
    return np.interp(places, np.arange(len(profile)), profile)


METHOD = Method("std profile", "arXiv 2507.03014", ATTENTION, profiles, correlation)
