"""What the distances of a family say of who stands between whom: figures of every pair, over third relatives.

For a candidate c, a query q and a third relative r (a witness) the *Gromov share*

    s(c; q, r) = (d(c, q) + d(c, r) - d(q, r)) / (2 d(c, q))

is what c went through alone, as a share of the way from c to q: 0 where c stands between q and r, 1 where q stands
between c and r, between them where the three meet in a model that is not there (Buneman, "The recovery of trees from
measures of dissimilarity", 1971). It is taken of two distances that add along a tree: squared differences, and the
share of values that are not equal bit for bit.

Limitations: siblings that drift alike look as if one stood before the other, and a continuation that moved back looks
as if it stood before its parent. So no share decides: `direction` weighs them, by what they were worth on families
whose trees are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from ..data.precision import float_bits, rounded_to
from ..thresholds.lineage import RETURN_PRIOR, RETURN_VALUES

Squares = NDArray[np.float64]
Real = TypeVar("Real", np.float32, np.float64)
FEATURES = (
    "share_low", "share_middle", "share_high", "equal_low", "equal_middle", "equal_high",
    "nearest", "central", "near", "between", "children", "held", "passed",
)  # fmt: skip
"""What `pair_features` gives of a pair, in that order."""
_LEAST = 1e-15
_CANCELS = 1e-4
_SHARE_RANGE = (-1.0, 2.0)
_LOG_RANGE = 4.0
_COLUMNS = 4096
"""Values of each of a family's models that are worked on at a time."""
_WITHOUT_THREADS = 262_144
"""Multiplications up to which OpenBLAS uses no threads."""
_STEP_SPREAD = 0.25
"""Standard deviation of the share of a step that models went which do not descend from what is at its end."""
_OPPOSITE = -0.4
"""Cosine, seen from a mixture, at which what it was made of lies: -1 of two, -0.5 of three; what trained on has 0."""
_PASSING = 0.03
"""Standard deviation of that share, beside its error, where they descend from it."""
_ANYWHERE = 0.4
"""Density of the share where a third model took part in the step and stands on no way: what is between 0 and 2.5."""


@dataclass(frozen=True)
class Distances:
    """Distances among n models, the query last: `squared` [n, n] relative and squared, `unequal` [n, n] shares.

    `unequal` is the share of values that differ once both are rounded to bfloat16, the type of most files. `values`
    [n, m] are some of those values, so rounded, at the same places of every model. `count` is how many equally weighted
    values `squared` is as exact as.
    """

    squared: Squares
    unequal: Squares
    values: NDArray[np.float32]
    count: float

    def take(self, members: NDArray[np.int64]) -> Distances:
        """Those of some of the models."""
        grid = np.ix_(members, members)
        return Distances(self.squared[grid], self.unequal[grid], self.values[members], self.count)


def distances_of(
    values: NDArray[np.float32], weight: NDArray[np.float64], mean_square: NDArray[np.float64]
) -> Distances:
    """Distances among n models that hold `values` [n, tensors * width] at the same places.

    `weight` [tensors, width] is what each value stands for, 0 for padding; `mean_square` [tensors] that of a tensor's
    values, which makes squared differences relative. Two models of different float types are compared as the coarser
    type keeps them: what saving alone changed is no way that a model went.
    """
    share = (weight / weight.sum()).reshape(-1)
    size = np.repeat(np.where(mean_square > 0, mean_square, 1.0), weight.shape[1])
    scale = np.sqrt(share / size)
    bits = np.array([float_bits(row) for row in values])
    squared = np.zeros((len(values), len(values)))
    for kept in np.unique(bits).tolist():
        rounded = rounded_to(values, kept)
        mine = np.minimum(bits[:, None], bits[None, :]) == kept
        squared[mine] = _squared(rounded, scale)[mine]
    unequal = unequal_shares(rounded_to(values, 7), share)
    return Distances(squared, unequal, _some(values, share), float(1 / np.square(share).sum()))


def _some(values: NDArray[np.float32], share: NDArray[np.float64]) -> NDArray[np.float32]:
    """At most RETURN_VALUES of the values [n, m] that stand for something, evenly spaced, rounded to bfloat16."""
    real = np.flatnonzero(share > 0)
    chosen = real[:: max(1, -(-len(real) // RETURN_VALUES))]
    return values[:, chosen].astype(ml_dtypes.bfloat16).astype(np.float32)


def _squared(values: NDArray[np.float32], scale: NDArray[np.float64]) -> Squares:
    """Squared distances [n, n] of rows [n, m] times `scale` [m]; of near copies without cancellation."""
    inner = np.zeros((len(values), len(values)))
    for some in _parts(len(scale)):
        scaled = values[:, some] * scale[some]
        inner += products(scaled, scaled)
    squares = np.diagonal(inner)
    squared = np.maximum(squares[:, None] + squares[None, :] - 2 * inner, 0.0)
    for i in range(len(values)):
        for j in np.flatnonzero(squared[i] < _CANCELS * squares[i]):
            squared[i, j] = np.square((values[i].astype(np.float64) - values[j]) * scale).sum()
    return squared


def unequal_shares(values: NDArray[np.float32], weight: NDArray[np.float64]) -> Squares:
    """Share [n, n] of the values [n, m] of two models that differ.

    `weight` [m], the share of the model that each value stands for, sums to 1.
    """
    found = np.zeros((len(values), len(values)))
    for some in _parts(len(weight)):
        rows = values[:, some]
        for i in range(len(rows)):
            found[i, i + 1 :] += (rows[i + 1 :] != rows[i]) @ weight[some]
    return found + found.T


def _parts(width: int) -> list[slice]:
    """Columns in parts that the caches of a core hold: memory that nothing used before takes as long as the work."""
    return [slice(first, first + _COLUMNS) for first in range(0, width, _COLUMNS)]


def gromov_shares(distances: Squares) -> NDArray[np.float64]:
    """Shares s [n, n, n] of (candidate, query, witness), NaN where two of the three are one or stand on one place."""
    count = len(distances)
    way = np.where(distances > _LEAST, distances, np.nan)
    shares = (distances[:, :, None] + distances[:, None, :] - distances[None, :, :]) / (2 * way[:, :, None])
    same = np.eye(count, dtype=np.bool_)
    shares[same[:, :, None] | same[:, None, :] | same[None, :, :]] = np.nan
    return shares


def pair_features(distances: Distances, asked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The FEATURES [n, n, 13] of every (candidate, query); without a witness what needs one is 0.5 (shares) or 0.

    Values are counted for the pairs `asked` [n, n] alone, which takes by far the longest: `held` of others is 0.
    """
    count = len(distances.squared)
    found = np.zeros((count, count, len(FEATURES)))
    found[..., 0:3] = quartiles(gromov_shares(distances.squared))
    found[..., 3:6] = quartiles(gromov_shares(distances.unequal))
    if count > 2:
        length = np.sqrt(np.maximum(distances.squared, _LEAST))
        np.fill_diagonal(length, 0.0)
        rest = (length.sum(axis=1)[:, None] - length) / (count - 2)  # of the first to all but the second
        apart = np.where(np.eye(count, dtype=np.bool_)[:, None, :] | np.eye(count, dtype=np.bool_), np.inf, length)
        others = apart.min(axis=2)  # of the second to its nearest but the first: [first, second]
        off = ~np.eye(count, dtype=np.bool_)
        found[off, 6] = np.log(length[off] / others[off])
        found[off, 7] = np.log(rest[off] / rest.T[off])
        found[off, 8] = np.log(length[off] / rest[off])
        found[..., 9] = between(distances)
        found[..., 10] = _children(found[..., 9])
        found[..., 11] = held(distances.values, asked)
        found[..., 12] = passed(distances)
    found[..., 6:] = found[..., 6:].clip(-_LOG_RANGE, _LOG_RANGE)
    return found


def between(distances: Distances) -> NDArray[np.float64]:
    """How much speaks against a third model standing between the first and the second [n, n]: the least log odds.

    For a first model c, a second q and a third r the regression of the way from c to q on the step from c to r,

        b = (d(c, q) + d(c, r) - d(q, r)) / (2 d(c, r)),   of standard error sqrt(d(c, q) / (count d(c, r))),

    is 1 where q descends from r and 0 where it took no part in the step; normal log odds of the two, whose spread is
    _STEP_SPREAD beside that error. 0 where no third model is at another place than the first.
    """
    count = len(distances.squared)
    way, step, share = _steps(distances.squared)
    spread = _STEP_SPREAD**2 + way / (distances.count * step)
    odds = (1 - 2 * share) / (2 * spread)
    same = np.eye(count, dtype=np.bool_)
    odds[same[:, :, None] | same[:, None, :] | same[None, :, :]] = np.nan
    least = np.fmin.reduce(odds, axis=2)
    return np.where(np.isfinite(least), least, 0.0)


def _steps(squared: Squares) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Ways [n, n, 1] from the first to the second, steps [n, 1, n] to the third, and the regressions b [n, n, n]."""
    way, step = squared[:, :, None], np.where(squared > _LEAST, squared, np.nan)[:, None, :]
    return way, step, (way + squared[:, None, :] - squared[None, :, :]) / (2 * step)


def passed(distances: Distances) -> NDArray[np.float64]:
    """How exactly a third model stands on the way from the first to the second [n, n]: the largest log odds, 0 or more.

    The regression b of `between` is 1 where the way leads through the third, as a training that goes on goes its own
    way: to _PASSING, beside its error. What siblings drifted alike is a share that lies anywhere (_ANYWHERE, a
    density). A model that descends from the second is passed as well: it has b = d(c, q) / d(c, r), which is 1 too
    where it hardly moved, and then nothing is said. Mixtures of the second are no third.
    """
    squared = distances.squared
    way, step, share = _steps(squared)
    spread = np.sqrt(_PASSING**2 + way / (distances.count * step))
    height = spread * np.sqrt(2 * np.pi)
    beyond = np.exp(-np.square((share - way / step) / spread) / 2) / height
    odds = -np.square((share - 1) / spread) / 2 - np.log(height) - np.log(_ANYWHERE + beyond)
    same = np.eye(len(squared), dtype=np.bool_)
    odds[same[:, :, None] | same[:, None, :] | same[None, :, :] | _mixed(squared)[None, :, :]] = np.nan
    return np.asarray(np.fmax.reduce(odds, axis=2, initial=0.0))


def _mixed(squared: Squares) -> NDArray[np.bool_]:
    """Whether the second is a mixture of the first and of a third [n, n]: seen from it the two lie opposite.

    The mean of two siblings stands on the ways from their root to both, and is passed by neither.
    """
    length = np.sqrt(np.where(squared > _LEAST, squared, np.nan))
    facing = squared[:, :, None] + squared[None, :, :] - squared[:, None, :]  # [first, second, third]
    cosine = facing / (2 * length[:, :, None] * length[None, :, :])
    return np.asarray((np.fmin.reduce(cosine, axis=2, initial=1.0)) <= _OPPOSITE)


def _children(least: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of one more than how many others [n, n] than the second no third model parts from the first, over the models.

    `least` [n, n] is what `between` gives. What many were made from is made from again.
    """
    count = len(least)
    free = (least > 0) & ~np.eye(count, dtype=np.bool_)
    return np.asarray(np.log((1 + free.sum(axis=1)[:, None] - free) / count))


def held(values: NDArray[np.float32], asked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Whose values the second model holds where the first differs from a third [n, n]: the least log odds over thirds.

    `values` [n, m]; of the pairs `asked` [n, n], 0 for others. Training leaves many values of a bfloat16 file as they
    were. So where two models differ, one made from the first holds the first's values, and one made from the third
    holds the third's. Zeros do not count: all that is rounded or pruned has them. RETURN_PRIOR is added to both counts;
    0 where nothing is equal to either.
    """
    found = np.zeros(asked.shape)
    for query in np.flatnonzero(asked.any(axis=0)).tolist():
        equal = ((values == values[query]) & (values != 0)).astype(np.float32)
        firsts = np.flatnonzero(asked[:, query])
        both = products(equal[firsts], equal)
        own = equal.sum(axis=1)
        odds = np.log((own[firsts, None] - both + RETURN_PRIOR) / (own[None, :] - both + RETURN_PRIOR))
        odds[:, query] = np.inf
        odds[np.arange(len(firsts)), firsts] = np.inf
        found[firsts, query] = odds.min(axis=1)
    return np.where(np.isfinite(found), found, 0.0)


def products(first: NDArray[Real], second: NDArray[Real]) -> NDArray[Real]:
    """The products [n, k] of rows [n, m] and [k, m], added up over parts that BLAS multiplies without its threads.

    Where other processes want the cores too, those wait for each other: 7 s for what takes 0.02.
    """
    width = max(1, _WITHOUT_THREADS // max(1, len(first) * len(second)))
    parts = first.shape[1] // width
    whole = parts * width
    one, two = (rows[:, :whole].reshape(len(rows), parts, width).transpose(1, 0, 2) for rows in (first, second))
    found: NDArray[Any] = np.matmul(one, two.transpose(0, 2, 1)).sum(axis=0)
    found += first[:, whole:] @ second[:, whole:].T
    return found


def quartiles(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower quartile, median and upper quartile [n, n, 3] over witnesses; 0.5 where there are none."""
    ordered = np.sort(shares, axis=2)  # NaN last
    counts = np.isfinite(shares).sum(axis=2)
    found = np.full((*counts.shape, 3), 0.5)
    for number, quantile in enumerate((0.25, 0.5, 0.75)):
        at = quantile * np.maximum(counts - 1, 0)
        low = np.floor(at).astype(np.int64)
        high = np.minimum(low + 1, np.maximum(counts - 1, 0))
        values = (np.take_along_axis(ordered, k[..., None], axis=2)[..., 0] for k in (low, high))
        first, second = values
        found[..., number] = np.where(counts > 0, first + (second - first) * (at - low), 0.5)
    return found.clip(*_SHARE_RANGE)
