"""Whether a quantised model is a rounding of another, value by value: by the bounds that its format sets.

Every code stands for the values that are nearest to it. So what was rounded lies within half a step of every value of
the copy, while a relative that was trained a little further has some values beyond. That tells models apart which
differ by a fraction of a step, as real fine-tunes and their base do: the copy's errors are as large beside either.

A model may hold its values in a finer type than the one that was rounded: float32 beside a file that was made from
bfloat16 or float16. So the values are looked at as they are, and as either type keeps them. It may also be a rounding
itself, of what the other was rounded from: then its values are known to half a step of its own type.
"""

from __future__ import annotations

from dataclasses import dataclass

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from ..data.component import Component
from ..data.precision import float_steps, fraction_bits, once
from ..evidence.pair import PairEvidence
from ..thresholds.relation import FEWEST_FORESEEN, FILLED_BY_ROUNDING, LIGHTEST_DRIFT

_STRICT = frozenset({"Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"})
"""Types whose last pass in llama.cpp rounds by the scales that are stored, with an importance matrix and without. Of
others a value beyond its bounds says nothing: their scales may have been fitted once more."""
_FLOAT32_BITS = 23

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Within:
    """Of `places` bounded values of a copy, `outside` cannot have been rounded from the other's values.

    `beyond` counts those that cannot have been rounded from any that the other's type keeps as it does, and `strictly`
    of these the ones of types of which that is certain. `foreseen` is how many would be outside were the other model's
    values moved by LIGHTEST_DRIFT: what the test can see. `filled` is how far from the codes' values these lie on the
    average, in half steps. `by_query`, whether the query holds the codes.
    """

    places: int
    outside: int
    beyond: int
    strictly: int
    foreseen: float
    filled: float
    by_query: bool

    @property
    def told(self) -> bool:
        """Whether one is the rounding of the other: no value lies outside, and a light training would have shown.

        What was trained on the values of the codes lies inside too, next to them.
        """
        return self.outside == 0 and self.foreseen >= FEWEST_FORESEEN and self.filled >= FILLED_BY_ROUNDING

    @property
    def excluded(self) -> bool:
        """Whether one cannot be the rounding of the other's values."""
        return self.strictly > 0

    @property
    def reason(self) -> str | None:
        """What the test told, in words; None where it told nothing."""
        if self.told:
            return f"all of {self.places:,} values are where its rounding leaves them"
        if self.excluded:
            whose = "the query holds" if self.by_query else "it holds"
            return f"{whose} no rounding of the other: {self.beyond:,} of {self.places:,} values are beyond half a step"
        return None


@once
def within(evidence: PairEvidence) -> Within | None:
    """How the values of one model lie in the bounds of the other; None where neither has bounds, or both have.

    Of the matrices that match by positions.
    """
    match, query, candidate = evidence.match, evidence.pairing.query, evidence.pairing.candidate
    by_query, by_candidate = (len(c.evidence("bounds").tensor) > 0 for c in (query, candidate))
    if by_query == by_candidate:
        return None
    mine = np.flatnonzero(match.kind == 0)
    theirs = match.tensor[mine]
    coarse, fine, tensors, others = (query, candidate, mine, theirs) if by_query else (candidate, query, theirs, mine)
    rows, bounds, other = (
        _rows(coarse, "positions", tensors),
        _rows(coarse, "bounds", tensors),
        _rows(fine, "positions", others),
    )
    known = (rows >= 0) & (bounds >= 0) & (other >= 0) & (coarse.sampled[tensors] == fine.sampled[others])
    if not known.any():
        return None
    tensors, bounds, other = tensors[known], bounds[known], other[known]
    limits = coarse.evidence("bounds").value[bounds].astype(np.float64).reshape(len(bounds), 2, -1)
    low, high = limits[:, 0], limits[:, 1]
    count = coarse.sampled[tensors][:, None]
    inside = np.arange(low.shape[1]) < count
    bounded = inside & (np.isfinite(low) | np.isfinite(high))
    values: Values = fine.positions.value[other].astype(np.float64)
    strict = np.array([coarse.dtypes[t] in _STRICT for t in tensors.tolist()])[:, None]
    best = min((_outside(v, low, high, bounded) for v in _kept(values)), key=lambda out: int(out.sum()))
    size = np.sqrt(np.where(inside, np.square(values), 0).sum(axis=1, keepdims=True) / count)
    bits = fraction_bits(fine)
    own = float_steps(np.abs(values), bits) / 2 if bits < _FLOAT32_BITS else np.zeros(values.shape)
    beyond = best & _outside(values, low - own, high + own, bounded)
    moved = [_outside(values + sign * LIGHTEST_DRIFT * size, low, high, bounded) for sign in (1.0, -1.0)]
    return Within(
        places=int(bounded.sum()),
        outside=int(best.sum()),
        beyond=int(beyond.sum()),
        strictly=int((beyond & strict).sum()),
        foreseen=float(sum(out.sum() for out in moved)) / 2,
        filled=_filled(values, coarse.positions.value[rows[known]].astype(np.float64), low, high, bounded),
        by_query=by_query,
    )


def _filled(values: Values, codes: Values, low: Values, high: Values, bounded: NDArray[np.bool_]) -> float:
    """Mean distance of values from those of the codes, in the wider of the two ways to their bounds."""
    with np.errstate(all="ignore"):
        ways = np.stack([codes - low, high - codes])
        reach = np.where(np.isfinite(ways), ways, 0).max(axis=0)
        there = bounded & (reach > 0)
        return float((np.abs(values - codes)[there] / reach[there]).mean()) if there.any() else 0.0


def _rows(component: Component, kind: str, tensors: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row of every tensor in a kind of evidence; -1 where it has none."""
    held = component.evidence(kind).tensor
    if not len(held):
        return np.full(len(tensors), -1)
    at = np.searchsorted(held, tensors).clip(max=len(held) - 1)
    return np.where(held[at] == tensors, at, -1)


def _kept(values: Values) -> tuple[Values, ...]:
    """Values as they are, as bfloat16 keeps them, and as float16 does."""
    with np.errstate(over="ignore"):
        return tuple(values.astype(kind).astype(np.float64) for kind in (np.float32, ml_dtypes.bfloat16, np.float16))


def _outside(values: Values, low: Values, high: Values, bounded: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where values lie outside of their bounds; what is no number does."""
    return np.asarray(bounded & ~((low <= values) & (values <= high)), np.bool_)
