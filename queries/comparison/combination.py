"""The best of a few tests of one hypothesis, corrected for the choice."""

from __future__ import annotations

import math
from collections.abc import Sequence

_SMALL = math.log(1e-8)


def best_of(log_p: Sequence[float]) -> tuple[int, float]:
    """The number of the smallest natural log p, and Šidák's correction of it: log(1 - (1 - p)^k).

    Exact for independent tests, and on the safe side for those that rise and fall together. Source: Šidák, JASA 62, 1967.
    """
    best = min(range(len(log_p)), key=lambda i: log_p[i])
    smallest, k = log_p[best], len(log_p)
    if k == 1:
        return best, smallest
    if smallest < _SMALL:
        return best, smallest + math.log(k)
    if smallest >= 0:
        return best, 0.0
    return best, math.log(-math.expm1(k * math.log1p(-math.exp(smallest))))
