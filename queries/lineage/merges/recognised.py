"""Models made of two or more others: on the straight line between them, of their layers, or of their single changes.

What the found parents leave unexplained is hardly anything: a model that was trained has changes of its own. Models
that were trained lightly differ by less than the rounding of their type adds, so what is unexplained is measured
beyond the rounding of each single value (`Samples.steps`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...data.precision import float_bits, float_steps
from ...statistics.null import median
from ...thresholds.lineage import (
    MERGE_ALONG_TRIED,
    MERGE_BESIDE,
    MERGE_CAST,
    MERGE_FEWEST,
    MERGE_LIGHT,
    MERGE_LINE_SHARE,
    MERGE_LINES_TRIED,
    MERGE_MISSED,
    MERGE_MODE,
    MERGE_OF_LAYERS,
    MERGE_PART,
    MERGE_RESIDUAL,
    MERGE_ROUNDED_ONCE,
    MERGE_ROUNDING,
    MERGE_ROUNDS,
    MERGE_SMALL,
    MERGE_STEPS,
    MERGE_SUM,
    MERGE_TRIED,
    MERGE_VALUES,
    NOT_EXCLUDED,
)

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """Values [n, m] of n models at the same places, and `scale` [m] that makes their squares shares of the model.

    `bits` [n] are those behind the point of a model's float type: 7 for bfloat16, 10 for float16, 23 for float32.
    `covers` [n] is how much of the query a model holds a counterpart of, beside what is common to all.
    """

    values: Vector
    scale: Vector
    bits: NDArray[np.int64]
    covers: Vector

    def steps(self, merge: int, *others: int) -> list[Vector]:
        """How far [m] rounding may move each value of a merge, by the coarsest type among it and the others.

        Two ways where the merge alone is of that type: rounded once at the end, or computed in it from parents that
        were cast to it, which moves more.
        """
        step = float_steps(self.values[merge], int(self.bits[[merge, *others]].min())) * self.scale
        once = self.bits[merge] < self.bits[list(others)].min()
        return [
            factor * step for factor in ((MERGE_ROUNDED_ONCE, MERGE_STEPS + MERGE_CAST) if once else (MERGE_STEPS,))
        ]

    def change(self, model: int, base: int) -> Vector:
        """Scaled difference [m] of two models."""
        return np.asarray((self.values[model] - self.values[base]) * self.scale)


def samples(values: NDArray[np.float32], weight: Vector, size: Vector, covers: Vector) -> Samples:
    """Some thousand of the values [n, tensors, width] of n models; `weight` [tensors, width] is 0 for padding.

    `size` [tensors] is the mean square of a tensor's values, which makes differences relative.
    """
    scale = np.sqrt(weight / weight.sum() / np.where(size > 0, size, 1.0)[:, None]).reshape(-1)
    flat = values.reshape(len(values), -1)
    chosen = np.flatnonzero(scale > 0)
    chosen = chosen[:: max(1, len(chosen) // MERGE_VALUES)]
    thinned = np.sqrt(np.square(scale).sum() / np.square(scale[chosen]).sum())
    bits = np.array([float_bits(row) for row in flat])
    return Samples(flat[:, chosen].astype(np.float64), scale[chosen] * thinned, bits, covers)


def _beyond(change: Vector, steps: Vector) -> Vector:
    """Differences [..., m], less what rounding may have made of them."""
    return np.maximum(np.abs(change) - steps, 0.0)


def _energy(change: Vector, steps: Vector) -> float:
    return float(np.square(_beyond(change, steps)).sum())


def on_lines(squared: Vector, found_in: Samples) -> dict[int, tuple[int, ...]]:
    """Members that lie on the line between two others, between 15 and 85 % of the way: member -> the two nearest such.

    `squared` [n, n] are squared distances. Of three on a line the middle one is the mixture. Share and residual
    follow from the three distances alone; where those are small they are taken beyond rounding, from the values.
    """
    found: dict[int, tuple[int, ...]] = {}
    for m in range(len(squared)):
        a = squared[m][:, None]
        b = squared[m][None, :]
        length = np.maximum(squared, 1e-30)
        share = (length + b - a) / (2 * length)  # of the first parent
        residual = share**2 * a + (1 - share) ** 2 * b + share * (1 - share) * (a + b - squared)
        allowed = MERGE_RESIDUAL * np.minimum(a, b) + MERGE_ROUNDING
        inside = np.triu((share >= MERGE_LINE_SHARE) & (share <= 1 - MERGE_LINE_SHARE), 1)
        inside[m, :], inside[:, m] = False, False
        worth = np.where(inside & (residual <= allowed) & (np.minimum(a, b) > MERGE_LIGHT), residual, np.inf)
        if np.isfinite(worth).any():
            i, j = (int(n) for n in np.unravel_index(int(worth.argmin()), worth.shape))
            if _beside_line(found_in, m, i, j) <= MERGE_BESIDE * min(squared[m, i], squared[m, j]):
                found[m] = (i, j)
                continue
        near = np.argwhere(inside & (residual <= MERGE_LIGHT))
        near = near[np.argsort(residual[tuple(near.T)], kind="stable")][:MERGE_LINES_TRIED]
        if (pair := _light_line(found_in, squared, m, near.tolist())) is not None:
            found[m] = pair
    return found


def _beside_line(found_in: Samples, merge: int, first: int, second: int) -> float:
    """The squared distance of a model to the line between two others, beyond rounding: its weights are fitted apart."""
    steps = max(found_in.steps(merge, first, second), key=lambda step: float(step.sum()))
    change, axis = found_in.change(merge, second), found_in.change(first, second)
    along, more = _mixture(change, axis, found_in.values[second] * found_in.scale)
    return _energy(change - along * axis - more * found_in.values[second] * found_in.scale, steps)


def _light_line(
    found_in: Samples, squared: Vector, merge: int, pairs: Iterable[Sequence[int]]
) -> tuple[int, ...] | None:
    """The pair that a model lies between up to rounding: what misses least, of the finest type, then furthest apart.

    The weights are fitted apart (x = u a + v b), as merging tools round them; so one parent alone may be scaled too.
    Nothing is told where the nearer parent then differs in next to no value by more than rounding. Of pairs that miss
    as few values, up to chance, the ends are furthest apart.
    """
    fits: list[tuple[int, int, float, float, tuple[int, ...]]] = []
    for (i, j), steps in ((pair, steps) for pair in pairs for steps in found_in.steps(merge, *pair)):
        alone = [_scaled(found_in, merge, parent) for parent in (i, j)]
        least = min(_energy(change, steps) for change in alone)
        differ = min((_beyond(change, steps) > 0).mean() for change in alone)
        second, axis, base = found_in.change(merge, j), found_in.change(i, j), found_in.values[j] * found_in.scale
        _, more = _mixture(second, axis, base)
        far = np.abs(axis) > steps  # elsewhere rounding hides the share, or shows it whole
        share = float((second - more * base)[far] @ axis[far] / max(axis[far] @ axis[far], 1e-30))
        if differ < MERGE_FEWEST or abs(more) > MERGE_SUM or not MERGE_LINE_SHARE <= share <= 1 - MERGE_LINE_SHARE:
            continue
        left = second - share * axis - more * base
        missed = int((_beyond(left, steps) > 0).sum())
        if _energy(left, steps) <= MERGE_RESIDUAL * least and missed <= MERGE_MISSED * differ * len(left):
            bits, covers = found_in.bits[[i, j]].min(), found_in.covers[[i, j]].min()
            fits.append((missed, int(bits), float(squared[i, j]), float(covers), (i, j)))
    fewest = min((fit[0] for fit in fits), default=0)
    chance = NOT_EXCLUDED * float(np.sqrt(2 * fewest + 1))  # of the difference of two counts
    return max((fit[1:] for fit in fits if fit[0] <= fewest + chance), default=(None,))[-1]


def _scaled(found_in: Samples, merge: int, parent: int) -> Vector:
    """What is left [m] of a model when as much of a parent is taken away as fits best, up to MERGE_SUM more or less."""
    change, base = found_in.change(merge, parent), found_in.values[parent] * found_in.scale
    return np.asarray(change - np.clip(change @ base / (base @ base), -MERGE_SUM, MERGE_SUM) * base)


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
        if gain[best] < MERGE_PART:
            break
        chosen.append(best)
        covered |= held[best]
    alone = [(held[c] & ~held[[o for o in chosen if o != c]].any(axis=0)) @ weight for c in chosen]
    if len(chosen) < 2 or covered @ weight < MERGE_OF_LAYERS or min(alone) < MERGE_PART:
        return None
    return tuple(chosen)


def of_changes(found_in: Samples, merge: int, bases: Sequence[int], pool: Sequence[int]) -> tuple[int, ...] | None:
    """The two members whose single changes of a common base a model takes over: TIES and DARE merges, task arithmetic.

    Against a base every value of such a merge is that of the base, a fixed multiple of one parent's change or of the
    other's, or a fixed mixture of both. Sources: Yadav et al., "TIES-Merging", 2023; Yu et al., "Language Models are
    Super Mario" (DARE), 2023; Ilharco et al., "Editing Models with Task Arithmetic", 2023.
    """
    for base, steps in ((one, steps) for one in bases for steps in found_in.steps(merge, one)):
        change = found_in.change(merge, base)
        size = _energy(change, steps)
        if (_beyond(change, steps) > 0).mean() < MERGE_FEWEST:
            continue
        ways = {
            i: _energy(found_in.change(merge, i), found_in.steps(merge, i)[0]) for i in pool if i not in (base, merge)
        }
        others = {i: found_in.change(i, base) for i, way in ways.items() if way > MERGE_RESIDUAL * size}
        others = {i: x for i, x in others.items() if _energy(x, steps) >= MERGE_PART * size}
        taken = {i: _taken(change, x, steps) for i, x in others.items()}
        along = {i: float(change @ x) ** 2 / float(x @ x) for i, x in others.items()}
        likely = [
            *sorted((i for i in taken if taken[i] >= MERGE_PART * size), key=lambda i: -taken[i])[:MERGE_TRIED],
            *sorted((i for i in along if along[i] >= MERGE_PART * size), key=lambda i: -along[i])[:MERGE_ALONG_TRIED],
        ]
        likely = list(dict.fromkeys(likely))
        pairs = [(i, j) for n, i in enumerate(likely) for j in likely[:n]]
        fits = {(i, j): _unexplained(change, others[i], others[j], steps) for i, j in pairs}
        best = min(fits, key=lambda pair: fits[pair], default=None)
        if best is not None and fits[best] <= MERGE_RESIDUAL * min(size, *(ways[i] for i in best)):
            return best
    return None


def is_sum(found_in: Samples, merge: int, bases: Sequence[int], parents: tuple[int, ...]) -> bool:
    """Whether a model is, up to rounding, one weighted sum of two others' changes of a base at every place.

    Of four models of which one change was made to two of them (an adapter merged into two bases) each is such a sum.
    """
    first, second = parents[0], parents[-1]
    for base, steps in ((one, steps) for one in bases for steps in found_in.steps(merge, one) if one not in parents):
        change, one, other = (found_in.change(i, base) for i in (merge, first, second))
        least = min(_energy(found_in.change(merge, i), steps) for i in (base, first, second))
        along, more = _mixture(change, one, other)
        if _energy(change - along * one - more * other, steps) <= MERGE_RESIDUAL * least:
            return True
    return False


def _taken(change: Vector, parent: Vector, steps: Vector) -> float:
    """Energy of a change in the places where it is one fixed multiple of the parent's."""
    ratio = _ratio(change, parent)
    near = np.abs(change - ratio * parent) <= np.maximum(MERGE_SMALL * np.abs(change), steps)
    return _energy(change[near], steps[near])


def _ratio(change: Vector, parent: Vector) -> float:
    """The commonest ratio of a change to a parent's, over the larger changes of the parent: the half-sample mode."""
    moved = np.abs(parent[parent != 0])
    large = np.abs(parent) >= (median(moved) if len(moved) else np.inf)
    ratios = change[large] / np.where(parent[large] != 0, parent[large], np.inf)
    ratios = np.sort(ratios[np.abs(ratios) > MERGE_SMALL])
    held = int(MERGE_MODE * large.sum())
    if len(ratios) <= held:
        return 0.0
    narrowest = int((ratios[held:] - ratios[: len(ratios) - held]).argmin())
    return float(ratios[narrowest + held // 2])


def _unexplained(change: Vector, first: Vector, second: Vector, steps: Vector) -> float:
    """What is left of a change when every place takes the best of: none, the first's, the second's, a mixture of both.

    Each parent must be taken alone in places that hold a tenth of the change, or the mixture be the same everywhere
    (task arithmetic); else infinite, as where one of them explains it all or is taken away instead of added.
    """
    c, d = _mixture(change, first, second)
    everywhere = _energy(change - c * first - d * second, steps) if min(c, d) >= MERGE_PART else np.inf
    a, b = _ratio(change, first), _ratio(change, second)
    if min(a, b) <= 0:
        return everywhere
    one = np.stack([change, change - a * first, change - b * second])
    both = _beyond(one, steps).min(axis=0) > MERGE_SMALL * np.abs(change)
    energy = np.square(_beyond(change, steps))
    left, choice = np.square(_beyond(one, steps)), np.zeros(len(change), np.int64)
    if min(left[[0, k]].min(axis=0).sum() for k in (1, 2)) <= MERGE_RESIDUAL * energy.sum():
        return np.inf
    for _ in range(MERGE_ROUNDS):
        c, d = _mixture(change[both], first[both], second[both])
        left = np.square(_beyond(np.vstack([one, change - c * first - d * second]), steps))
        choice = left.argmin(axis=0)
        both = choice == 3
    if min(energy[choice == 1].sum(), energy[choice == 2].sum()) < MERGE_PART * energy.sum():
        return everywhere
    return min(everywhere, float(left.min(axis=0).sum()))


def _mixture(change: Vector, first: Vector, second: Vector) -> tuple[float, float]:
    """The shares of both parents that come nearest to a change, by least squares; 0 where they are one direction."""
    products = np.array([[first @ first, first @ second], [first @ second, second @ second]])
    if np.linalg.det(products) <= 1e-9 * products[0, 0] * products[1, 1]:
        return 0.0, 0.0
    c, d = np.linalg.solve(products, np.array([first @ change, second @ change]))
    return float(c), float(d)
