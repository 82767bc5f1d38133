"""Who came first: the probability that a relative is an ancestor of the query, and what that rests on.

Three sources are combined. *Geometry*: the figures of `geometry`, the orders that the family's tree allows (`rooting`)
and the family's `shape`, weighed by a logistic regression that was fitted on families whose trees are known, apart for
light and heavy drift and for what is known of the order (`calibration`); it tells no direction alone. *Marks* that
cannot be undone (`marks`). *Claims*: release dates, known roots, the newest (`claims`). A direction is told at
DIRECTION_TOLD, else it is unknown, with its probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..thresholds.lineage import DIRECTION_TOLD, GEOMETRY_ALONE, INSIDE_TREE, LIGHT_DRIFT, NEAR_COPY, SAME_NODE
from .calibration.regressions import State, weights
from .geometry import FEATURES, Distances, pair_features
from .returns import Returns, returns, summary
from .rooting import Known, observed_above, parents_from, root_probabilities
from .shape import FIGURES, shape
from .tree import Tree, joined, neighbour_joining, placed

DirectionKind = Literal["ancestor", "descendant", "sibling", "copy", "unknown"]
_EVEN = 1e-3


@dataclass(frozen=True, slots=True)
class Direction:
    """Where a relative stands, seen from the query.

    `probability` is that of being an ancestor, `descendant` that of being a descendant, `by` what both rest on.
    """

    kind: DirectionKind
    probability: float
    by: tuple[str, ...]
    descendant: float = 0.0


BY_SHAPE: tuple[tuple[str, str], ...] = tuple(
    (figure, term) for figure in ("middle", "inner", "drifting") for term in ("tree", "nearest", "between", "children")
)
"""Which figures of the family's shape change what which terms of a pair are worth: their products are terms too."""
_OF_PAIRS = ("one", "witnesses", "few", "near copy", "tree", *FEATURES)
DESIGN = (*_OF_PAIRS, *FIGURES, *(f"{figure} x {term}" for figure, term in BY_SHAPE))
"""The first terms of `design`; those of `returns.summary` follow."""


@dataclass(frozen=True)
class Placement:
    """Of every relative [n]: the probability of being an ancestor, a descendant, and the nearest of the ancestors."""

    ancestor: NDArray[np.float64]
    descendant: NDArray[np.float64]
    nearest: NDArray[np.float64]


def tree_probabilities(distances: Distances, whole: Tree, known: Known) -> NDArray[np.float64]:
    """The probability [n, n] that the first is an ancestor of the second, by the orders that the tree allows."""
    count = len(distances.squared)
    nearest = (distances.squared + np.diag(np.full(count, np.inf))).min(axis=1)
    tree = joined(whole, SAME_NODE * float(np.median(nearest)))
    own = sorted((way / nearest[leaf], leaf) for leaf, way in tree.own_way.items() if nearest[leaf] > 0)
    tree = placed(tree, [leaf for share, leaf in own if share <= INSIDE_TREE])
    found = np.zeros((count, count))
    for root, probability in root_probabilities(tree, known).items():
        parents = parents_from(tree, root)
        for node in range(count):
            if node in parents:
                for other in observed_above(tree, parents, node):
                    found[other, node] += probability
    return found


def place(distances: Distances, known: Known, state: State) -> Placement:
    """What geometry says of every relative of the query, which is the last of the n + 1 models of `distances`.

    Where all are on one place (no drift at all) nothing is told apart. Probabilities stay within what GEOMETRY_ALONE
    allows. It tells no ancestor: a sibling that hardly moved from a parent that is not registered looks like it. And it
    denies none: the query may be a merge of the candidate and of a model that is not there, which has no place in a
    tree.
    """
    count = len(distances.squared) - 1
    before = earlier(known, count + 1)
    asked = [(one, two) for i in range(count) for one, two in ((i, count), (count, i)) if before[one].any()]
    pairs = np.zeros((count + 1, count + 1), np.bool_)
    pairs[:, count] = pairs[count] = True
    features = design(distances, known, returns(distances.values, asked, before), pairs)
    light = is_light(distances)
    ancestor, nearest = weights("ancestor", state, light), weights("nearest", state, light)
    up, down = features[:count, count], features[count, :count]
    toward, away = (ancestor.probability(way).clip(1 - GEOMETRY_ALONE, GEOMETRY_ALONE) for way in (up, down))
    return Placement(toward, away * (state != "newest"), _softmax(up @ nearest.vector))


def earlier(known: Known, count: int) -> NDArray[np.bool_]:
    """Which models [n, n] are known to have been there before which: (model, the earlier one)."""
    found = np.zeros((count, count), np.bool_)
    if known.order is not None:
        dates = np.array([known.order.get(model, np.nan) for model in range(count)])
        found |= dates[None, :] < dates[:, None]
    if known.root is not None:
        found[:, known.root] = True
        found[known.root] = False
    return found


def is_light(distances: Distances) -> bool:
    """Whether most of the values of the family are equal bit for bit in many pairs."""
    count = len(distances.unequal)
    return bool(np.median(distances.unequal[np.triu_indices(count, 1)]) < LIGHT_DRIFT)


def design(
    distances: Distances, known: Known, counted: Returns, asked: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """The rows [n, n, terms] of the regressions, of every (candidate, query); `counted` of those that are asked about.

    `asked` [n, n] are the pairs that values are compared for, by default all. The figures of the family's shape are the
    same for all pairs.
    """
    count = len(distances.squared)
    before = earlier(known, count)
    features = pair_features(distances, np.ones((count, count), np.bool_) if asked is None else asked)
    whole = neighbour_joining(distances.squared)
    tree = np.log(_EVEN + (p := tree_probabilities(distances, whole, known))) - np.log(_EVEN + 1 - p)
    witnesses = float(count > 2)
    near = (features[..., 8] < NEAR_COPY) * witnesses
    shares = (features[..., :6] - 0.5) * (witnesses * (1 - near))[..., None]
    terms = [
        np.full((count, count, 1), 1.0),
        np.full((count, count, 1), witnesses),
        np.full((count, count, 1), 1 / count),
        near[..., None],
        (tree * witnesses * (1 - near))[..., None],
        shares,
        features[..., 6:] * witnesses,
    ]
    of_pairs = np.concatenate(terms, axis=2)
    figures = shape(distances.squared, distances.unequal, known.order or {}, whole)
    of_family = np.broadcast_to(figures, (count, count, len(FIGURES)))
    products = [figures[FIGURES.index(f)] * of_pairs[..., _OF_PAIRS.index(term)] for f, term in BY_SHAPE]
    return np.concatenate([of_pairs, of_family, np.stack(products, axis=2), summary(counted, before)], axis=2)


def _softmax(x: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.exp(x - x.max(initial=-np.inf)) if len(x) else x
    return np.asarray(weights / weights.sum()) if len(x) else weights


def prior(state: State) -> float:
    """The probability that one of two models is an ancestor of the other, where there is no third."""
    worth = weights("ancestor", state, True)
    terms = np.zeros((1, len(worth.vector)))
    terms[0, 0], terms[0, 2] = 1.0, 0.5
    return float(worth.probability(terms)[0])


def direction_of(ancestor: float, descendant: float, by: Sequence[str]) -> Direction:
    """The direction that two probabilities tell: sibling where neither of them can be."""
    kind: DirectionKind = "unknown"
    if ancestor >= DIRECTION_TOLD:
        kind = "ancestor"
    elif descendant >= DIRECTION_TOLD:
        kind = "descendant"
    elif ancestor + descendant <= 1 - DIRECTION_TOLD:
        kind = "sibling"
    return Direction(kind, ancestor, tuple(by), descendant)
