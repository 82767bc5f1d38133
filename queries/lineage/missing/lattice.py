"""Whether models were trained from the very values that one of them holds: what two moved on fine and coarse steps.

bfloat16 keeps a value between 2^k and 2^(k + 1) in steps of 2^(k - 7). Training moves small and large values of a
tensor about equally far (Adam by its learning rate a step), so about the values from which it started it looks alike on
every step: how two models moved together, read on the fine steps of small values and rounded to the coarse step of
larger ones, is what they moved at the larger ones. About a sibling's values it is not: the sibling moved its small
values, by which both others seem to have moved together, and left its larger ones where half a step was too far.

So this tells a model that was hardly trained from the model that it was trained from, which distances do not: siblings
of one objective drift alike, and then their parent has a way of its own as well.

Training that itself rounds to bfloat16 at every step moves hardly any large value: such models are left out there.

Limitations: needs values that are bfloat16, drift that is light beside the steps, and two other models.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...data.precision import float_bits
from ...thresholds.lineage import LATTICE_KEPT, LATTICE_MOVED, LATTICE_PLACES, LATTICE_REFUTES, LATTICE_TOLERANCE

Moves = NDArray[np.float64]
_FINER = 2
"""Powers of two by which the steps are finer on which moves are read: rounding them again then errs little."""
_MOST_STEPS = 3.0
"""Moves are cut off at so many steps, so that no value weighs more than others that moved."""
_MOST = 16
"""Other models that are looked at: time was chosen."""
_LEAST = 4
"""Values of a tensor on finer steps, at least, to say how its larger ones move."""
_EXPONENTS = range(-24, 8)
_TIE = 1e-6
"""Of a step: half a step goes up as often as down."""


def refuted(values: NDArray[np.float32], inside: NDArray[np.bool_], start: int) -> bool:
    """Whether n models [n, tensors, width] were not trained from what number `start` of them holds.

    Asked of the _MOST others that differ from it in the fewest values. False where values are not bfloat16.
    """
    if float_bits(values) != 7:
        return False
    unequal = ((values != values[start]) & inside).sum(axis=(1, 2))
    others = [i for i in np.argsort(unequal, kind="stable").tolist() if i != start][:_MOST]
    return lattice_misfit(values[[start, *others]], inside, 0) > LATTICE_REFUTES


def lattice_misfit(values: NDArray[np.float32], inside: NDArray[np.bool_], start: int) -> float:
    """How badly n models [n, tensors, width] fit having been trained from what number `start` of them holds.

    The RMS, over the powers of two at which two or more of the others moved some values and kept others, of the
    difference between the moves that they share there and those that finer steps foretell, in standard errors. 0 where
    nothing can be compared. `inside` [tensors, width] is false for padding. Values are taken as bfloat16.
    """
    held = values.astype(np.float64)[:, inside]
    tensor = np.broadcast_to(np.arange(inside.shape[0])[:, None], inside.shape)[inside]
    origin, moved = held[start], np.delete(held, start, axis=0) - held[start]
    exponent = np.frexp(origin)[1] - 1
    known = origin != 0
    squares: list[float] = []
    for power in _EXPONENTS:
        coarse, fine = known & (exponent == power), known & (exponent <= power - _FINER)
        there = np.bincount(tensor[coarse], minlength=len(inside))
        foretold = np.bincount(tensor[fine], minlength=len(inside))
        both = ((there > 0) & (foretold >= _LEAST))[tensor]
        coarse, fine = coarse & both, fine & both
        if min(coarse.sum(), fine.sum()) < LATTICE_PLACES:
            continue
        weight = (there / np.maximum(foretold, 1))[tensor[fine]]
        step = 2.0 ** (power - 7)
        squares += _square(moved[:, coarse] / step, moved[:, fine] / step, weight / weight.sum())
    return float(np.sqrt(np.mean(squares))) if squares else 0.0


def _square(coarse: Moves, fine: Moves, weight: Moves) -> list[float]:
    """The squared misfit at one power of two, or nothing: moves [n, places] in its steps; `weight` of finer places."""
    seen = np.rint(coarse).clip(-_MOST_STEPS, _MOST_STEPS)
    up, down = (np.rint(fine + tie).clip(-_MOST_STEPS, _MOST_STEPS) for tie in (_TIE, -_TIE))
    rates = ((seen != 0).mean(axis=1) + (up != 0) @ weight) / 2
    use = (rates > LATTICE_MOVED[0]) & (rates < LATTICE_MOVED[1])
    use &= (seen != 0).mean(axis=1) > LATTICE_KEPT * ((up != 0) @ weight)
    if use.sum() < 2:
        return []
    size = np.sqrt((np.square(seen).mean(axis=1) + (np.square(up) + np.square(down)) @ weight / 2) / 2)[use, None]
    shared, foretold = _together(seen[use] / size), _together((up + down)[use] / 2 / size)
    mean = float(foretold @ weight)
    variance = shared.var() / len(shared) + float(np.square(weight) @ np.square(foretold - mean))
    return [(float(shared.mean()) - mean) ** 2 / (variance + LATTICE_TOLERANCE**2)]


def _together(moves: Moves) -> Moves:
    """The mean product [places] of two models' moves [n, places]."""
    count = len(moves)
    return (np.square(moves.sum(axis=0)) - np.square(moves).sum(axis=0)) / (count * (count - 1))
