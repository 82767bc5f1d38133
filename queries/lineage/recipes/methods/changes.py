"""What methods of weighted changes share: ranks, trimming, elected signs, and the sum in the type of the merge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from ..mixtures.pursuit import Mixture
from ..places import Floats, MergePlaces, Vector
from ..proposal import Proposal


def with_bases(mixture: Mixture) -> list[Mixture]:
    """The mixture itself where it has a base; of a plain one of three or more, each member in turn for the base."""
    if mixture.base is not None:
        return [mixture]
    if len(mixture.members) < 3:
        return []
    return [
        Mixture(
            tuple(m for n, m in enumerate(mixture.members) if n != base),
            tuple(w for n, w in enumerate(mixture.weights) if n != base),
            mixture.residual,
            mixture.members[base],
        )
        for base in range(len(mixture.members))
    ]


def ranks(tensor: NDArray[np.int64], values: Floats) -> NDArray[np.int32]:
    """The place [m] of each value among those of its tensor by size, the largest first, from 0."""
    order = np.lexsort((-np.abs(values), tensor))
    counts = np.bincount(tensor)
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    found = np.empty(len(values), np.int32)
    found[order] = np.arange(len(values)) - np.repeat(starts, counts)
    return found


def ranks_of_changes(places: MergePlaces, proposal: Proposal) -> NDArray[np.int32]:
    """The place [n, m] of each change among those of its tensor that were sampled, the largest first, from 0."""
    key = ("ranks", proposal.members, proposal.base, proposal.arithmetic.bits)
    return places.once(key, lambda: np.stack([ranks(places.tensor, c) for c in proposal.changes_at(places)]))


def kept(places: MergePlaces, proposal: Proposal, last: Vector, first: Vector | None = None) -> Floats:
    """The parents' changes [n, m] that are among the largest share `last` [n, tensors] of each sampled tensor.

    Those that are among the largest share `first` [n, tensors] too are dropped.
    """
    changes = proposal.changes_at(places)
    counts = np.bincount(places.tensor, minlength=last.shape[1])
    rank = ranks_of_changes(places, proposal)
    inside = rank < places.of_tensors(whole(last * counts))
    if first is not None:
        inside &= rank >= places.of_tensors(whole(first * counts))
    return left_in(changes, inside)


def left_in(changes: Floats, kept: NDArray[np.bool_]) -> Floats:
    """Changes where they are kept, 0 elsewhere; what is infinite is no number there.

    A product, which does not branch: `np.where` takes twenty times as long where what is kept follows no order.
    """
    with np.errstate(invalid="ignore"):
        return np.asarray(changes * kept, np.float32)


def of_elected_sign(changes: Floats, *, axis: int) -> NDArray[np.bool_]:
    """Which changes are not 0 and have the sign of their sum along an axis, of parents; a sum of 0 counts as positive.

    In steps that do not branch, as `left_in`.
    """
    found = changes < 0
    found ^= changes.sum(axis=axis, keepdims=True) >= 0
    found &= changes != 0
    return found


def whole(counts: Vector) -> NDArray[np.int32]:
    """Shares of counts as the numbers that ranks are held against: integers compare in half the time."""
    return np.round(counts).astype(np.int32)


def kept_by_size(kept: NDArray[np.bool_], size: Vector) -> Vector:
    """How far apart [n] the sizes of changes that were kept [n, m] and of those left out are: 0 where chance chose.

    The largest difference of their two cumulative distributions (Smirnov, 1939), less what chance gives at 1 %: 1.63
    standard errors. 0 where all were kept, or none.
    """
    return np.array([_apart(own[chosen], own[~chosen]) for chosen, own in zip(kept, size, strict=True)])


def _apart(some: Vector, others: Vector) -> float:
    if min(len(some), len(others)) <= 1:  # chance gives any difference then
        return 0.0
    found: Any = ks_2samp(some, others, method="asymp")  # a class that scipy makes at run time
    return max(0.0, float(found.statistic) - 1.63 * float(np.sqrt(1 / len(some) + 1 / len(others))))


def summed(
    places: MergePlaces, proposal: Proposal, changes: Floats, *, consensus: bool = False, normalized: bool = False
) -> Floats:
    """Base + the weighted sum of changes [n, m], every step rounded to the type that the merge computes in.

    With `consensus` those count alone whose sign is that of the sum; `normalized` divides by the weights that count.
    """
    rounded, base = proposal.arithmetic.rounded, proposal.base_at(places)
    weights = np.broadcast_to(rounded(proposal.weights_at(places)), changes.shape)
    weighted = rounded(changes * weights)
    if consensus:
        agree = of_elected_sign(weighted, axis=0)
        weighted, weights = weighted * agree, weights * agree
    total = rounded(np.asarray(weighted.sum(axis=0), np.float32))
    if normalized:
        divisor = rounded(np.asarray(weights.sum(axis=0), np.float32))
        total = rounded(np.asarray(total / np.where(divisor == 0, 1, divisor), np.float32))
    return rounded(np.asarray(base + total, np.float32))


def medians(setting: Vector, name: str) -> list[dict[str, float]]:
    """A parameter of every parent for mergekit: the median over tensors of its row, as `written` says."""
    return [{name: written(float(np.median(row)), len(row))} for row in setting]


def written(share: float, tensors: int) -> float:
    """A share with one decimal, as people write it, where the median of so many tensors cannot tell it from that.

    256 values give the place of a quantile to 0.03 (one standard error), the median of n tensors to 1.25 / sqrt(n)
    of that.
    """
    error = 3 * 1.25 * 0.03 / np.sqrt(max(1, tensors))
    return round(share, 1) if abs(share - round(share, 1)) <= error else round(share, 2)


def spread(values: Sequence[float], places: MergePlaces) -> Vector:
    """One value a row for all tensors: [n, tensors]."""
    return np.repeat(np.asarray(values, np.float64)[:, None], int(places.tensor.max()) + 1, axis=1)
