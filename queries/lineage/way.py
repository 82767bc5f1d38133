"""Which relatives the way from a known root to the query leads through: what was trained on stands behind its parent.

Squared distances add along a tree. So a candidate c that the query q descends from has, seen from the root r,

    b = (d(r, q) + d(r, c) - d(c, q)) / (2 d(r, c)) = 1,

as training that goes on goes its own way. A sibling of q has the share of its own way that the two drifted alike, which
is any number below 1. The same figure is `geometry.between`, which is weighed; here it has to be 1 within its error.

Four things look the same, and three of them are kept out: what descends from q (by dates), mixtures of two relatives
(seen from them the two lie opposite), which stand on the ways to both and to all other mixtures of them, and of several
models on one place all but the earliest one, if one is. The fourth is a sibling that hardly moved from a parent which
nobody registered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..thresholds.lineage import ON_WAY_ERROR, ON_WAY_OFF
from .geometry import Distances, mixed
from .rooting import Known

_ERRORS = 2.0
"""Standard errors that count as none."""


def on_way(distances: Distances, known: Known) -> NDArray[np.bool_]:
    """Which candidates [n] the way from the root to the query leads through; the query is the last of n + 1 models.

    None where the root is not known, or the date of any. A candidate has to be older than the query.
    """
    count = len(distances.squared) - 1
    found = np.zeros(count, np.bool_)
    if known.root is None or known.order is None:
        return found
    date = np.array([known.order[model] for model in range(count + 1)])
    through = _through(distances, known.root)
    found = through[:count, count] & (date[:count] < date[count]) & ~mixed(distances.squared)[:, :count].any(axis=0)
    at_one_place = through[:count, :count] & through[:count, :count].T
    return np.asarray(found & ~(at_one_place & (date[:count, None] <= date[:count])).any(axis=0))


def _through(distances: Distances, root: int) -> NDArray[np.bool_]:
    """Whether the way from the root to the second leads through the first [n, n], and that can be told."""
    squared = distances.squared
    step = np.where(squared[root] > 0, squared[root], np.nan)
    share = (squared[root][None, :] + squared[root][:, None] - squared) / (2 * step[:, None])
    error = np.sqrt(squared / (distances.count * step[:, None]))
    exact = (np.abs(share - 1) <= ON_WAY_OFF + _ERRORS * error) & (error <= ON_WAY_ERROR)
    return np.asarray(exact & ~np.eye(len(squared), dtype=np.bool_))
