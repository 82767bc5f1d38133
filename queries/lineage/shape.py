"""The shape of a family: whether it looks like a star, whose members all hang on one model, or like a chain.

The same distances mean one thing in a star and another in a chain: of two models that stand equally near, one is above
the other in a chain and beside it in a star. One pair does not tell which it is, the whole family does. Known figures:

- *middle*: of every three models the shortest of the three ways to where they meet (Buneman 1971), over the mean of the
  three. It is 0 on a path, where one stands between the others, and 1 where all three went as far alone.
- *inner*: the share of the tree's length that lies between two models that are not there (Fiala and Sokal, "Factors
  determining the accuracy of cladogram estimation", 1985, call it stemminess). It is 0 in a star.
- *drifting*: the correlation of the logarithm of distances with the number of models that appeared between the two
  (Mantel, "The detection of disease clustering", 1967). Distances grow along a chain, and not in a star.
- *from the first*, *from the previous*: of how many models the nearest earlier one is the first of all, or the one
  that appeared just before.

The last three are 0 where not all dates are known. Of models that are equal the earliest counts, once: a copy is no
step, and says nothing of the shape.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .tree import Tree, neighbour_joining

FIGURES: tuple[str, ...] = ("middle", "middle_equal", "inner", "inner_equal", "drifting", "from_first", "from_previous")
"""What `shape` gives of a family, in that order; those that end in _equal are of shares of values that differ."""
_LEAST = 1e-15
_LEAST_SPREAD = 1e-9
"""Of logarithms: equal distances differ by less, and have no correlation with anything."""


def shape(
    squared: NDArray[np.float64], unequal: NDArray[np.float64], order: Mapping[int, float], whole: Tree | None = None
) -> NDArray[np.float64]:
    """The FIGURES [7] of a family of n models, 0 where they are too few for one or not all are in `order`.

    `squared` and `unequal` [n, n] are its distances, `whole` is the tree of all `squared`, where it is there already.
    """
    when = np.array([order.get(i, np.nan) for i in range(len(squared))])
    kept = _without_copies(squared, when)
    if len(kept) < 3:
        return np.zeros(len(FIGURES))
    if len(kept) < len(squared):
        whole = None
    squared, unequal, when = squared[np.ix_(kept, kept)], unequal[np.ix_(kept, kept)], when[kept]
    dated = _by_order(squared, when) if np.isfinite(when).all() else (0.0, 0.0, 0.0)
    trees = whole or neighbour_joining(squared), neighbour_joining(unequal)
    return np.array([*map(_middle, (squared, unequal)), *map(_inner, trees), *dated])


def _without_copies(squared: NDArray[np.float64], when: NDArray[np.float64]) -> NDArray[np.int64]:
    """The numbers of the models, ascending, without those that another one equals which is earlier or before it."""
    kept: list[int] = []
    for number in np.argsort(when, kind="stable").tolist():  # unknown dates last
        if not any(squared[number, other] <= 0 for other in kept):
            kept.append(number)
    return np.array(sorted(kept), np.int64)


def _middle(distances: NDArray[np.float64]) -> float:
    """The mean over every three models of the shortest way to where they meet, in means of the three ways."""
    count = len(distances)
    ways = (distances[:, :, None] + distances[:, None, :] - distances[None, :, :]) / 2  # of the first of three
    number = np.arange(count)
    before = number[:, None] < number
    first, second, third = np.nonzero(before[:, :, None] & before[None, :, :])
    three = np.stack([ways[first, second, third], ways[second, first, third], ways[third, first, second]]).clip(0)
    apart = three.sum(axis=0)
    shares = 3 * three.min(axis=0)[apart > 0] / apart[apart > 0]
    return float(shares.mean()) if len(shares) else 0.0


def _inner(tree: Tree) -> float:
    """The share of a tree's length between two of its hidden nodes."""
    whole = sum(length for _, _, length in tree.edges)
    inner = sum(length for a, b, length in tree.edges if min(a, b) >= tree.observed)
    return inner / whole if whole > 0 else 0.0


def _by_order(squared: NDArray[np.float64], when: NDArray[np.float64]) -> tuple[float, float, float]:
    """What distances [n, n] have to do with when [n] models appeared: drifting, from the first, the previous.

    Models of one date have the mean of their places, and none of them is before another.
    """
    places = (np.searchsorted(np.sort(when), when, "left") + np.searchsorted(np.sort(when), when, "right")) / 2
    one, two = np.triu_indices(len(when), 1)
    way, between = np.log(squared[one, two] + _LEAST), np.abs(places[two] - places[one])
    varies = min(way.std(), between.std()) > _LEAST_SPREAD
    drifting = float(np.corrcoef(between, way)[0, 1]) if varies else 0.0
    first, previous = [], []
    for model in range(len(when)):
        before = when < when[model]
        if before.sum() > 1:
            nearest = when[np.where(before, squared[model], np.inf).argmin()]
            first.append(nearest == when.min())
            previous.append(nearest == when[before].max())
    return (drifting, float(np.mean(first)), float(np.mean(previous))) if first else (drifting, 0.0, 0.0)
