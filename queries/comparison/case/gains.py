"""Norm gains of several models: the figures of the dispute, and beside each what shuffled gains give.

A shuffled gain keeps its values and loses its places, so whatever a figure says of it comes from the values alone.
Means and standard deviations over all orders are exact: Wald and Wolfowitz, Annals of Mathematical Statistics 15, 1944.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..pair.matching import place
from ..pair.sides import Part
from ..records.gains import Arrangement, GainFigures, GainMatrix, GainRow, GainScatter, GainSummary
from .question import Case

Gain = NDArray[np.float64]
Gains = dict[str, dict[int, Gain]]
"""Slot -> layer (-1 outside the layers) -> the values [n]."""
_POINTS = 512
"""Points of a scatter: more hide each other."""


def gains_of(part: Part) -> Gains:
    """The norm gains of one component that were read, whole."""
    component, found = part.component, defaultdict[str, dict[int, Gain]](dict)
    for tensor, role in enumerate(component.roles):
        if role == "norm" and component.expert[tensor] < 0:
            block = part.rows.blocks.get(tensor) if part.rows is not None else part.kept(tensor)
            if block is not None:
                at = found[component.slots[tensor]]
                at.setdefault(int(component.layer[tensor]), block.reshape(-1).astype(np.float64))
    return dict(found)


def gain_row(first: str, second: str, slot: str, layers: tuple[int, int], x: Gain, y: Gain) -> GainRow | None:
    """The figures of two gains; None where their widths differ."""
    if x.shape != y.shape or not x.size:
        return None
    count = x.size
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    centred_x, centred_y = x - x.mean(), y - y.mean()
    spread = float(np.linalg.norm(centred_x) * np.linalg.norm(centred_y))
    cosine = float(x @ y) / lengths if lengths else math.nan
    shuffled = count * float(x.mean() * y.mean()) / lengths if lengths else math.nan
    deviation = spread / math.sqrt(count - 1) / lengths if lengths and count > 1 else math.nan
    centred = float(centred_x @ centred_y) / spread if spread else math.nan
    return GainRow(
        first, second, slot, place(layers[0]), place(layers[1]), count, cosine, centred,
        float(np.abs(x - y).mean()), shuffled, deviation, mean_difference(x, y),
        centred * math.sqrt(count - 1) if count > 1 else math.nan,
    )  # fmt: skip


def mean_difference(x: Gain, y: Gain) -> float:
    """The mean of |x_i - y_j| over all pairs: what shuffled values differ by, on average.

    >>> mean_difference(np.array([0.0, 1.0]), np.array([1.0, 3.0]))
    1.5
    """
    values = np.concatenate([x, y])
    order = np.argsort(values, kind="stable")
    of_x = (order < len(x)).astype(np.float64)
    below_x, below_y = np.cumsum(of_x), np.cumsum(1 - of_x)
    steps = np.diff(values[order])
    crossing = below_x * (len(y) - below_y) + below_y * (len(x) - below_x)
    return float((steps * crossing[:-1]).sum() / (len(x) * len(y)))


def gain_figures(case: Case, gains: Mapping[str, Gains]) -> GainFigures:
    """Every figure of norm gains over the models of `gains`, which are by label in the order of the case."""
    rows = [row for first, second in itertools.combinations(gains, 2) for row in _by_layer(first, second, gains)]
    slots = [
        slot for slot in _slots(gains) if any(layer >= 0 for found in gains.values() for layer in found.get(slot, {}))
    ]
    layers = shown_layers(case, gains)
    matrices: list[GainMatrix] = []
    for slot in slots:
        for layer in layers:
            matrices += _matrix("same layer", slot, [(label, layer) for label in gains], gains)
        matrices += _matrix("mixed layers", slot, list(mixed_layers(case, gains, layers).items()), gains)
        for label in gains:
            matrices += _matrix("within", slot, [(label, layer) for layer in layers], gains)
    scatters = [
        found
        for first, second in itertools.combinations(gains, 2)
        for slot in slots
        if (found := _scatter(first, second, slot, layers, gains)) is not None
    ]
    return GainFigures(tuple(rows), tuple(gain_summaries(rows)), tuple(matrices), tuple(scatters))


def _slots(gains: Mapping[str, Gains]) -> list[str]:
    found = dict.fromkeys(slot for one in gains.values() for slot in one)
    return sorted(found, key=lambda slot: ({"attention": 0, "ffn": 1, "final": 9}.get(slot, 5), slot))


def shown_layers(case: Case, gains: Mapping[str, Gains]) -> tuple[int, ...]:
    """The layers of the case; without any, a quarter, half and three quarters of the shallowest model."""
    depth = min((max((max(at) for at in one.values() if at), default=-1) for one in gains.values()), default=-1) + 1
    if case.layers or depth < 1:
        return case.layers
    return tuple(dict.fromkeys(depth * quarter // 4 for quarter in (1, 2, 3)))


def mixed_layers(case: Case, gains: Mapping[str, Gains], layers: Sequence[int]) -> dict[str, int]:
    """One layer a model: those of the case, else the layers that are shown, in turn."""
    turn = {label: layers[number % len(layers)] for number, label in enumerate(gains)} if layers else {}
    return {label: case.mixed.get(label, turn.get(label, 0)) for label in gains}


def _by_layer(first: str, second: str, gains: Mapping[str, Gains]) -> list[GainRow]:
    mine, theirs = gains[first], gains[second]
    found = [
        gain_row(first, second, slot, (layer, layer), mine[slot][layer], theirs[slot][layer])
        for slot in _slots({first: mine, second: theirs})
        for layer in sorted(mine.get(slot, {}).keys() & theirs.get(slot, {}).keys())
    ]
    return [row for row in found if row is not None]


def _matrix(
    arrangement: Arrangement, slot: str, places: Sequence[tuple[str, int]], gains: Mapping[str, Gains]
) -> list[GainMatrix]:
    """The matrix over those places that have a gain; none of fewer than two."""
    there = [(label, layer) for label, layer in places if layer in gains[label].get(slot, {})]
    if len(there) < 2:
        return []
    figures = np.full((4, len(there), len(there)), np.nan)
    for (i, (first, a)), (j, (second, b)) in itertools.product(enumerate(there), repeat=2):
        row = gain_row(first, second, slot, (a, b), gains[first][slot][a], gains[second][slot][b])
        if row is not None:
            figures[:, i, j] = row.cosine, row.centred_cosine, row.mean_abs_difference, row.shuffled_cosine
    return [GainMatrix(arrangement, slot, tuple(there), *figures)]


def _scatter(
    first: str, second: str, slot: str, layers: Sequence[int], gains: Mapping[str, Gains]
) -> GainScatter | None:
    for layer in layers:
        x, y = (gains[label].get(slot, {}).get(layer) for label in (first, second))
        if x is not None and y is not None and x.shape == y.shape:
            step = -(-x.size // _POINTS)
            return GainScatter(
                first, second, slot, layer, layer, x.size, tuple(x[::step].tolist()), tuple(y[::step].tolist())
            )
    return None


def gain_summaries(rows: Sequence[GainRow]) -> list[GainSummary]:
    """Means over the layers of every slot of every pair; what stands outside the layers is left out."""
    groups: dict[tuple[str, str, str], list[GainRow]] = defaultdict(list)
    for row in rows:
        if row.layer_first is not None:
            groups[row.first, row.second, row.slot].append(row)
    return [_summary(*key, found) for key, found in groups.items()]


def _summary(first: str, second: str, slot: str, rows: Sequence[GainRow]) -> GainSummary:
    cosines = [row.cosine for row in rows]
    return GainSummary(
        first, second, slot, len(rows), mean(cosines), min(cosines), max(cosines),
        mean([row.centred_cosine for row in rows]), mean([row.mean_abs_difference for row in rows]),
        mean([row.shuffled_cosine for row in rows]),
        max((row.z for row in rows if math.isfinite(row.z)), default=math.nan),
    )  # fmt: skip


def pair_gains(gains: Mapping[str, Gains]) -> tuple[GainSummary, ...]:
    """Every slot of every two models of `gains`, which are by label: what a comparison of two shows."""
    pairs = itertools.combinations(gains, 2)
    return tuple(gain_summaries([row for first, second in pairs for row in _by_layer(first, second, gains)]))


def gains_sentence(found: Sequence[GainSummary], first: str = "A", second: str = "B") -> str:
    """What the norm gains of two models come to, in numbers, beside shuffled values and the other pairs of `found`."""
    mine = [one for one in found if (one.first, one.second) == (first, second)]
    if not mine:
        return f"Norm gains are context; no layers of {first} and {second} have gains of one width"
    said = [
        f"{one.slot} {_two(one.cosine)} (shuffled {_two(one.shuffled_cosine)}{_others(found, one)}), centred"
        f" {_two(one.centred_cosine)}"
        for one in mine
    ]
    return f"Norm gains are context. Mean cosine of {first} and {second}, place by place: {'; '.join(said)}"


def _others(found: Sequence[GainSummary], mine: GainSummary) -> str:
    """The range of the cosine over the other pairs, which are those with controls."""
    others = [one.cosine for one in found if one.slot == mine.slot and one is not mine and math.isfinite(one.cosine)]
    return f", with controls {_two(min(others))} to {_two(max(others))}" if others else ""


def _two(value: float) -> str:
    return f"{value:z.2f}" if math.isfinite(value) else "not defined"


def mean(values: Sequence[float]) -> float:
    """The mean of those that are numbers; NaN without any."""
    found = [value for value in values if math.isfinite(value)]
    return sum(found) / len(found) if found else math.nan
