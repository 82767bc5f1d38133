"""Whether one model is a rounding of the other: every difference within half a step of the coarser type.

A copy loses values and gains none, so an error beyond half a step was trained. Three kinds of step are known: that of a
float type (of the coarser of the two lattices that the values lie on; two files of one type that differ are no copies),
that of one scale a tensor, found as the lattice of the values themselves, and that of quantised groups. Where the
format says between which values those lay that were rounded, that decides (`within`). Else, as the samples do not hold
the scales, the error must be as small as the type's, and for 8 bits as large as rounding leaves it and of its shape:
training that is as light is smaller, or Gaussian.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..data.component import Component, Tokens
from ..data.precision import error_of_levels, float_bits, float_steps, fraction_bits, median_levels, stored_error
from ..evidence.gains import matched_vectors
from ..evidence.match import relative_difference
from ..evidence.pair import PairEvidence
from ..statistics.null import median
from ..thresholds.relation import (
    FEWEST_MULTIPLES,
    HALF_STEP_OF_ROUNDING,
    KURTOSIS_OF_ROUNDING,
    KURTOSIS_OF_UNEVEN_GROUPS,
    LEAST_OF_8_BITS,
    LEAST_OF_ROUNDING,
    MOST_MULTIPLES,
    MOST_OF_8_BITS,
    OFF_STEP,
    QUANTISED_ERROR,
    QUANTISED_LEVELS,
    STEPS_OF_RECOMPUTING,
)
from .within import within

_BITS_OF_FLOAT16 = 10
_BITS_OF_FLOAT32 = 23
_SMALLEST_GROUP = 32


Values = NDArray[np.float32]


def by_groups(evidence: PairEvidence) -> bool:
    """Whether the rounding between two copies is one in groups of which nothing tells what was rounded."""
    if (held := within(evidence)) is not None and held.told:
        return False
    match, query, candidate = evidence.match, evidence.pairing.query, evidence.pairing.candidate
    for mine in np.flatnonzero((match.kind == 0) & query.scorable).tolist():
        theirs = int(match.tensor[mine])
        first, second = values_of(query, mine, candidate, theirs)
        if query.hash[mine] == candidate.hash[theirs] or first is None or second is None:
            continue
        if not (float_rounding(first, second) or lattice_rounding(first, second)):
            return True
    return False


def coarseness(evidence: PairEvidence) -> float:
    """How much coarser the candidate's values are than the query's: above 0 where rounding the query gives it.

    In levels among 32 neighbours, else in bits of fraction, which only orders copies; 0 where neither is coarser.
    """
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    mine, theirs = median_levels(query), median_levels(candidate)
    found = mine - theirs if abs(mine - theirs) > 1 else float(fraction_bits(query) - fraction_bits(candidate))
    held = within(evidence)
    if held is None or not held.told:
        return found
    return -max(abs(found), 1.0) if held.by_query else max(abs(found), 1.0)


def rounding_told(evidence: PairEvidence) -> str:
    """How sure it is which model was rounded, to be added to what is said of a rounded copy."""
    if by_groups(evidence):
        return ", or of what differs from it by less than the rounding does"
    held = within(evidence)
    return f": {held.reason}" if held is not None and held.reason else ""


def within_half_steps(evidence: PairEvidence) -> bool:
    """Whether query and candidate, which match everywhere by positions, differ by one rounding and no more."""
    match, query, candidate = evidence.match, evidence.pairing.query, evidence.pairing.candidate
    found = np.flatnonzero((match.kind == 0) & query.scorable)
    partner = match.tensor[found]
    held = within(evidence)
    if held is not None and (held.excluded or held.told):
        return held.told and _others_rounded(evidence) and _vectors_rounded(evidence)
    fewer = len(found) > 0 and abs(median(query.levels[found] - candidate.levels[partner])) > 1
    shares, tails, reached = [], [], []
    for mine, theirs in zip(found.tolist(), partner.tolist(), strict=True):
        if query.hash[mine] == candidate.hash[theirs]:
            continue
        first, second = values_of(query, mine, candidate, theirs)
        if first is None or second is None or len(first) != len(second):
            return False
        if not (float_rounding(first, second) or lattice_rounding(first, second)):
            error = _relative_error(first, second)
            stored = max(stored_error(query.dtypes[mine]), stored_error(candidate.dtypes[theirs]))
            levels = min(query.levels[mine] or 32.0, candidate.levels[theirs] or 32.0)
            coarser = fewer or abs(query.levels[mine] - candidate.levels[theirs]) > 1
            few = error_of_levels(levels) if coarser else 0.0
            if error > max(stored, few):
                return False
            if error > 0:
                reached.append(error / (stored or few))
            eight = fewer and levels > QUANTISED_LEVELS and max(stored, few) <= QUANTISED_ERROR[8]
            if eight and error > 0 and len(first) >= _SMALLEST_GROUP:
                shares.append(error / _error_of_8_bits(second))
                tails.append(_kurtosis(first, second))
    if reached and float(np.median(reached)) < LEAST_OF_ROUNDING:
        return False  # trained on the levels of a quantised file, which rounding would give back
    return _vectors_rounded(evidence) and (not shares or _of_8_bits(float(np.median(shares)), float(np.median(tails))))


def _others_rounded(evidence: PairEvidence) -> bool:
    """Whether what has no bounds is rounded too: matrices to a float type, rows of tokens within their type's error."""
    match, query, candidate = evidence.match, evidence.pairing.query, evidence.pairing.candidate
    bounded = [set(c.evidence("bounds").tensor.tolist()) for c in (query, candidate)]
    for mine in np.flatnonzero((match.kind == 0) & query.scorable).tolist():
        theirs = int(match.tensor[mine])
        if mine in bounded[0] or theirs in bounded[1] or query.hash[mine] == candidate.hash[theirs]:
            continue
        first, second = values_of(query, mine, candidate, theirs)
        if first is None or second is None or len(first) != len(second):
            return False
        if float_rounding(first, second) or lattice_rounding(first, second):
            continue
        few = error_of_levels(min(query.levels[mine] or 32.0, candidate.levels[theirs] or 32.0))
        known = max(stored_error(query.dtypes[mine]), stored_error(candidate.dtypes[theirs]))
        if _relative_error(first, second) > (known or (few if _rows_of(query, mine) is not None else 0.0)):
            return False
    return True


def _of_8_bits(share: float, kurtosis: float) -> bool:
    """Whether differences are the errors of 8 bits in groups, by their size as a share of the least, and their shape.

    What was trained on a file of 8 bits differs from it by less; what was trained before it was rounded, or after, by
    more than groups of 32 leave, and with longer tails than uniform errors of any groups have.
    """
    most = KURTOSIS_OF_UNEVEN_GROUPS if share <= MOST_OF_8_BITS else KURTOSIS_OF_ROUNDING
    return share >= LEAST_OF_8_BITS and kurtosis <= most


def values_of(query: Component, mine: int, candidate: Component, theirs: int) -> tuple[Values | None, Values | None]:
    """The sampled values [n] of two tensors at the same places: positions, or rows of the tokens that both hold.

    None for a tensor of which no values are kept.
    """
    rows, others = _rows_of(query, mine), _rows_of(candidate, theirs)
    if rows is None or others is None:
        return _positions(query, mine), _positions(candidate, theirs)
    _, first, second = np.intersect1d(rows.keys, others.keys, return_indices=True)
    return _flat(rows.values[first]), _flat(others.values[second])


def _positions(component: Component, tensor: int) -> Values | None:
    at = int(np.searchsorted(component.positions.tensor, tensor))
    if at < len(component.positions.tensor) and component.positions.tensor[at] == tensor:
        return np.asarray(component.positions.value[at][: component.sampled[tensor]], np.float32)
    rows = _rows_of(component, tensor)
    return None if rows is None else _flat(rows.values)


def _rows_of(component: Component, tensor: int) -> Tokens | None:
    return next((t for t in component.tokens.values() if t.tensor == tensor), None)


def _flat(rows: NDArray[np.float32]) -> Values:
    return np.asarray(rows, np.float32).reshape(-1)


def float_rounding(first: Values, second: Values) -> bool:
    """Whether all values differ by half a step of the coarser float type at most, and the types are not the same.

    The step of a value follows from the number of bits of the type: 2^(exponent - 7) for bfloat16, - 10 for float16.
    Two of float32 may differ by the few steps that computing a value again errs by.
    """
    bits = [float_bits(v) for v in (first, second)]
    if bits == [_BITS_OF_FLOAT32] * 2 and _within(first, second, _BITS_OF_FLOAT32, STEPS_OF_RECOMPUTING):
        return True
    if bits[0] == bits[1]:
        return any(_rounded(a, b, _BITS_OF_FLOAT16) for a, b in ((first, second), (second, first)) if _as_float16(a, b))
    coarse, fine = (first, second) if bits[0] < bits[1] else (second, first)
    return _rounded(coarse, fine, min(bits))


def _as_float16(coarse: Values, fine: Values) -> bool:
    """Whether one lies on the lattice of float16's smallest values and the other does not: bfloat16 goes below it."""
    on = [bool((v == np.rint(np.ldexp(v.astype(np.float64), 24)) * 2.0**-24).all()) for v in (coarse, fine)]
    return on == [True, False]


def _rounded(coarse: Values, fine: Values, bits: int) -> bool:
    """Whether all values differ by half a step at most, of a float type with so many bits of fraction."""
    return _within(coarse, fine, bits, HALF_STEP_OF_ROUNDING)


def _within(first: Values, second: Values, bits: int, steps: float) -> bool:
    """Whether all values differ by so many steps at most, of a float type with so many bits of fraction."""
    step = float_steps(np.maximum(np.abs(first), np.abs(second)), bits)
    return bool((np.abs(first.astype(np.float64) - second) <= steps * step).all())


def lattice_rounding(first: Values, second: Values) -> bool:
    """Whether one holds multiples of one step and the other is within half of it everywhere."""
    for coarse, fine in ((first, second), (second, first)):
        step = lattice_step(coarse)
        if step is not None and bool((np.abs(coarse.astype(np.float64) - fine) <= HALF_STEP_OF_ROUNDING * step).all()):
            return True
    return False


def lattice_step(values: Values) -> float | None:
    """The step that all values are multiples of, None where there is none that few multiples need."""
    sizes = np.unique(np.abs(values.astype(np.float64)))
    sizes = sizes[sizes > 0]
    if not FEWEST_MULTIPLES <= len(sizes) <= MOST_MULTIPLES:
        return None
    gaps = np.diff(np.concatenate([[0.0], sizes]))
    step = float(gaps[gaps > 1e-3 * sizes[-1] / MOST_MULTIPLES].min(initial=np.inf))
    for _ in range(3):  # the mean over all multiples is finer than the smallest gap
        multiples = np.rint(sizes / step)
        if not multiples.any():
            return None
        step = float((sizes @ multiples) / (multiples @ multiples))
    off = np.abs(sizes / step - np.rint(sizes / step))
    return step if off.max() <= OFF_STEP and sizes[-1] / step <= MOST_MULTIPLES else None


def _relative_error(first: Values, second: Values) -> float:
    return float(np.sqrt(relative_difference(first.astype(np.float64)[None], second.astype(np.float64)[None])[0]))


def _error_of_8_bits(values: Values) -> float:
    """Relative RMS error that 8 bits in groups of 32, the smallest in use, leave of such values [n], n at least 32.

    The step of a group is its largest value over 127, and the error uniform over a step. The mean square of the largest
    of 32 is that over all choices of 32 of the n values: the i-th smallest is it in C(i - 1, 31) of C(n, 32).
    """
    count, size = len(values), _SMALLEST_GROUP
    squares = np.sort(np.square(values.astype(np.float64)))
    number = np.arange(count, size, -1)  # the largest first
    chance = (size / count) * np.cumprod(np.concatenate([[1.0], (number - size) / (number - 1)]))
    largest = float(squares[size - 1 :][::-1] @ chance)
    return math.sqrt(largest / 12) / 127 / max(math.sqrt(float(squares.mean())), np.finfo(float).tiny)


def _kurtosis(first: Values, second: Values) -> float:
    """Mean fourth power of the differences over the square of their mean square: 1.8 if uniform, 3 if Gaussian."""
    squares = np.square(first.astype(np.float64) - second)
    return float(np.square(squares).mean() / np.square(squares.mean()))


def _vectors_rounded(evidence: PairEvidence) -> bool:
    """Whether norm gains and biases are equal up to one rounding of a float type: quantisers leave them as they are."""
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    rows, partners = matched_vectors(evidence.pairing, evidence.block_map)
    for row, partner in zip(rows.tolist(), partners.tolist(), strict=True):
        count = int(query.sampled[query.vector.tensor[row]])
        first = np.asarray(query.vector.value[row][:count], np.float32)
        second = np.asarray(candidate.vector.value[partner][:count], np.float32)
        if not (np.array_equal(first, second) or float_rounding(first, second) or lattice_rounding(first, second)):
            return False
    return True
