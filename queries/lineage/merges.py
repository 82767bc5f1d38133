"""Models made of two or more others: on the straight line between them, of their layers, or of their single changes.

What the found parents leave unexplained is hardly anything: a model that was trained has changes of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
ROUNDING = 2 * 0.0017**2
"""Squared relative error that storing a merge and a parent as bfloat16 adds."""
_RESIDUAL = 0.02
"""Share of the way to the nearer parent that may stay unexplained."""
_LINE_SHARE = 0.15
_PART = 0.1
"""Share of a merge that each parent must hold alone."""
_MOSTLY = 0.9
_TRIED = 5
_ROUNDS = 3
_VALUES = 8_192
"""Values that single changes are looked at in: enough to tell, and quick."""
_SMALL = 0.05
"""Changes of less than this share of a parent's count as none."""
_MODE = 0.1
"""Share of all values that stand at the commonest ratio of a merge's change to a parent's."""


def on_lines(squared: Vector) -> dict[int, tuple[int, ...]]:
    """Members that lie on the line between two others, between 15 and 85 % of the way: member -> the two nearest such.

    `squared` [n, n] are squared distances. Of three on a line the middle one is the mixture. Share and residual
    follow from the three distances alone.
    """
    found: dict[int, tuple[int, ...]] = {}
    for m in range(len(squared)):
        a = squared[m][:, None]
        b = squared[m][None, :]
        length = np.maximum(squared, 1e-30)
        share = (length + b - a) / (2 * length)  # of the first parent
        residual = share**2 * a + (1 - share) ** 2 * b + share * (1 - share) * (a + b - squared)
        allowed = _RESIDUAL * np.minimum(a, b) + ROUNDING
        good = (share >= _LINE_SHARE) & (share <= 1 - _LINE_SHARE) & (residual <= allowed)
        good &= np.minimum(a, b) > 4 * ROUNDING
        good[m, :], good[:, m] = False, False
        good = np.triu(good, 1)
        if good.any():
            worth = np.where(good, residual, np.inf)
            i, j = np.unravel_index(int(worth.argmin()), worth.shape)
            found[m] = (int(i), int(j))
    return found


def of_tensors(weight: Vector, held: NDArray[np.bool_]) -> tuple[int, ...] | None:
    """Members whose very tensors a model is put together from (passthrough merges), the one that holds most first.

    `weight` [t] are shares of the model's parameters, `held` [n, t] tells which of its tensors a member holds bit for
    bit. Each must hold a tenth that no other one holds, all together nine tenths; None where one member holds as much.
    """
    chosen: list[int] = []
    covered = np.zeros(held.shape[1], np.bool_)
    while len(chosen) < len(held):
        gain = (held & ~covered) @ weight
        best = int(gain.argmax())
        if gain[best] < _PART:
            break
        chosen.append(best)
        covered |= held[best]
    alone = [(held[c] & ~held[[o for o in chosen if o != c]].any(axis=0)) @ weight for c in chosen]
    if len(chosen) < 2 or covered @ weight < _MOSTLY or min(alone) < _PART:
        return None
    return tuple(chosen)


def of_changes(vectors: Vector, merge: int, bases: Sequence[int], pool: Sequence[int]) -> tuple[int, ...] | None:
    """The two members whose single changes of a common base a model takes over: TIES and DARE merges.

    `vectors` [n, values]. Against a base every value of such a merge is that of the base, a fixed multiple of one
    parent's change or of the other's, or a fixed mixture of both. Sources: Yadav et al., "TIES-Merging", 2023; Yu et
    al., "Language Models are Super Mario" (DARE), 2023.
    """
    step = max(1, vectors.shape[1] // _VALUES)
    vectors = vectors[:, ::step] * np.sqrt(step)
    for base in bases:
        change = vectors[merge] - vectors[base]
        size = float(change @ change)
        ways = {i: float(np.square(vectors[merge] - vectors[i]).sum()) for i in pool}
        others = {i: vectors[i] - vectors[base] for i in pool if i not in (base, merge) and ways[i] > 4 * ROUNDING}
        taken = {i: _taken(change, x) for i, x in others.items() if x @ x > 4 * ROUNDING}
        likely = sorted((i for i in taken if taken[i] >= _PART * size), key=lambda i: -taken[i])[:_TRIED]
        fits = {(i, j): _unexplained(change, others[i], others[j]) for n, i in enumerate(likely) for j in likely[:n]}
        best = min(fits, key=lambda pair: fits[pair], default=None)
        if best is not None and fits[best] <= _RESIDUAL * min(ways[i] for i in best) + ROUNDING:
            return best
    return None


def _taken(change: Vector, parent: Vector) -> float:
    """Energy of a change in the places where it is one fixed multiple of the parent's."""
    ratio = _ratio(change, parent)
    near = np.abs(change - ratio * parent) <= _SMALL * np.abs(change)
    return float(np.square(change[near]).sum())


def _ratio(change: Vector, parent: Vector) -> float:
    """The commonest ratio of a change to a parent's, over the larger changes of the parent: the half-sample mode."""
    large = np.abs(parent) >= np.median(np.abs(parent))
    ratios = change[large] / np.where(parent[large] != 0, parent[large], np.inf)
    ratios = np.sort(ratios[np.abs(ratios) > _SMALL])
    held = int(_MODE * large.sum())
    if len(ratios) <= held:
        return 0.0
    narrowest = int((ratios[held:] - ratios[: len(ratios) - held]).argmin())
    return float(ratios[narrowest + held // 2])


def _unexplained(change: Vector, first: Vector, second: Vector) -> float:
    """What is left of a change when every place takes the best of: none, the first's, the second's, a mixture of both.

    Infinite unless each parent is taken alone in places that hold a tenth of the change.
    """
    a, b = _ratio(change, first), _ratio(change, second)
    one = np.stack([change, change - a * first, change - b * second])
    both = np.abs(one).min(axis=0) > _SMALL * np.abs(change)
    energy = np.square(change)
    left, choice = np.square(one), np.zeros(len(change), np.int64)
    for _ in range(_ROUNDS):
        c, d = _mixture(change[both], first[both], second[both])
        left = np.square(np.vstack([one, change - c * first - d * second]))
        choice = left.argmin(axis=0)
        both = choice == 3
    if min(energy[choice == 1].sum(), energy[choice == 2].sum()) < _PART * energy.sum():
        return np.inf
    return float(left.min(axis=0).sum())


def _mixture(change: Vector, first: Vector, second: Vector) -> tuple[float, float]:
    """The shares of both parents that come nearest to a change, by least squares; 0 where they are one direction."""
    products = np.array([[first @ first, first @ second], [first @ second, second @ second]])
    if np.linalg.det(products) <= 1e-9 * products[0, 0] * products[1, 1]:
        return 0.0, 0.0
    c, d = np.linalg.solve(products, np.array([first @ change, second @ change]))
    return float(c), float(d)
