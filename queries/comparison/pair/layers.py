"""Layer by layer: every layer against every other, the profile of matched ones, and what different layers share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....ingest.fingerprint.positions import places
from ....ingest.plan import LEADING_ROWS
from ...statistics.metrics import METRICS, Metrics, metrics_by_row
from ...statistics.null import calibrated, fisher_z
from ..records.figures import Baseline, Heatmap, MetricRow, Profile, ValueSource
from ..tables.metric_tables import CONTEXT_ROLES, chosen_rows, role_order
from .matching import one_of_each_layer
from .sides import Part

BASELINE_VALUES = 4096
"""Values of a tensor that different layers are compared by: their centred cosines stray by 0.016."""
BASELINE_PAIRS = 512
"""Pairs of different layers of one role, evenly taken from all there are."""

Layers = dict[int, int]
"""Layer -> the tensor that stands for it."""


@dataclass(frozen=True)
class RoleLayers:
    """One role of two parts (or of one part twice): a tensor a layer on each side, all of one width."""

    label: str
    role: str
    slot: str
    first: Part
    second: Part
    of_first: Layers
    of_second: Layers
    matched: tuple[tuple[int, int], ...]

    @property
    def within(self) -> bool:
        """Whether it is one part against itself."""
        return self.first is self.second

    @property
    def read(self) -> bool:
        """Whether rows of every tensor were read."""
        return all(
            part.rows is not None and tensor in part.rows.blocks
            for part, layers in ((self.first, self.of_first), (self.second, self.of_second))
            for tensor in layers.values()
        )

    @property
    def source(self) -> ValueSource:
        """Where its values come from."""
        if not self.read:
            return "kept values"
        return "whole tensors" if self.first.is_vector(next(iter(self.of_first.values()))) else "leading rows"


def role_layers(first: Part, second: Part, label: str, matched: Sequence[tuple[int, int]]) -> list[RoleLayers]:
    """The roles that both parts have in layers, with those tensors whose values stand at equal places.

    Where widths differ inside a role, the width of most layers counts.
    """
    mine, theirs = one_of_each_layer(first), one_of_each_layer(second)
    found = []
    for role, slot in sorted(set(mine) & set(theirs), key=lambda key: role_order(*key)):
        a, b = mine[role, slot], theirs[role, slot]
        shapes = [_shape(part, t) for part, layers in ((first, a), (second, b)) for t in layers.values()]
        shape = max(sorted(set(shapes)), key=shapes.count)
        a = {layer: t for layer, t in a.items() if _shape(first, t) == shape and first.kept(t) is not None}
        b = {layer: t for layer, t in b.items() if _shape(second, t) == shape and second.kept(t) is not None}
        if a and b:
            found.append(RoleLayers(label, role, slot, first, second, a, b, tuple(matched)))
    return found


def _shape(part: Part, tensor: int) -> tuple[int, int]:
    """(rows that are read, columns): what must agree for values to stand at equal places."""
    component = part.component
    if part.is_vector(tensor):
        return 1, math.prod(component.shapes[tensor])
    return min(LEADING_ROWS, component.shapes[tensor][0]), int(component.inputs[tensor])


def heatmaps(layers: Sequence[RoleLayers]) -> list[Heatmap]:
    """All pairs of layers of every role that is no context."""
    return [_heatmap(one) for one in layers if one.role not in CONTEXT_ROLES]


def _heatmap(layers: RoleLayers) -> Heatmap:
    first = _standardised(layers.first, layers.of_first, layers.read)
    second = first if layers.within else _standardised(layers.second, layers.of_second, layers.read)
    return Heatmap(
        pair=layers.label,
        role=layers.role,
        slot=layers.slot,
        layers_first=tuple(layers.of_first),
        layers_second=tuple(layers.of_second),
        values=layers.source,
        values_each=first.shape[1],
        null_sd=1 / math.sqrt(first.shape[1]),
        correlation=(first @ second.T).clip(-1, 1),
        z=layer_scores(layers).astype(np.float32),
        matched=tuple((a, b) for a, b in layers.matched if a in layers.of_first and b in layers.of_second),
    )


def _standardised(part: Part, layers: Layers, read: bool) -> NDArray[np.float32]:
    """Values [layers, n], each row centred and of length 1; constant ones are 0."""
    return _scaled(_stacked(part, layers, read))


def _scaled(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    largest = np.abs(rows).max(axis=1, keepdims=True)  # squares of huge values would leave float32
    scaled = (rows / np.where(largest > 0, largest, 1)).astype(np.float32)
    centred = scaled - scaled.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    length = np.sqrt(np.square(centred).sum(axis=1, keepdims=True, dtype=np.float64)).astype(np.float32)
    return np.asarray(centred / np.where(length > 0, length, 1), np.float32)


def _stacked(part: Part, layers: Layers, read: bool) -> NDArray[np.float32]:
    """The values of one tensor a layer, [layers, n]."""
    if read and part.rows is not None:
        return np.stack([part.rows.blocks[t].reshape(-1) for t in layers.values()])
    kept = [part.kept(t) for t in layers.values()]
    return np.concatenate([values for values in kept if values is not None])


def layer_scores(layers: RoleLayers) -> NDArray[np.float64]:
    """Z [first, second] as the evidence has it: of the kept values, calibrated; NaN within one layer."""
    first, second = _scores_of(layers.first, layers.of_first), _scores_of(layers.second, layers.of_second)
    values = int(layers.first.component.sampled[next(iter(layers.of_first.values()))])
    z = fisher_z((first @ second.T).astype(np.float64), values)
    if layers.within:
        np.fill_diagonal(z, np.nan)
    return calibrated(z, symmetric=True)


def _scores_of(part: Part, layers: Layers) -> NDArray[np.float32]:
    """Kept values standardised as the evidence does it; those of vectors, which are none, plainly."""
    tensors = list(layers.values())
    if any(part.is_vector(t) for t in tensors):
        return _scaled(_stacked(part, layers, read=False))
    return part.component.standardised[[part.position_row[t] for t in tensors]]


def baselines(layers: Sequence[RoleLayers]) -> list[Baseline]:
    """Every role between different layers, as far as there are any."""
    return [found for one in layers if (found := _baseline(one)) is not None]


def _baseline(layers: RoleLayers) -> Baseline | None:
    first = _sampled(layers.first, layers.of_first, layers.read)
    second = first if layers.within else _sampled(layers.second, layers.of_second, layers.read)
    i, j = _different(layers)
    if not len(i):
        return None
    figures = metrics_by_row(first[i], second[j])
    low, median, high = (_metrics(len(i) * first.shape[1], row) for row in _quantiles(figures))
    return Baseline(
        scope=layers.label,
        role=layers.role,
        slot=layers.slot,
        context=layers.role in CONTEXT_ROLES,
        values=layers.source,
        values_each=first.shape[1],
        pairs=len(i),
        mean=_metrics(len(i) * first.shape[1], _means(figures)),
        low=low,
        median=median,
        high=high,
    )


def _different(layers: RoleLayers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of two different layers on the two sides, at most BASELINE_PAIRS, evenly taken."""
    a, b = np.array(list(layers.of_first)), np.array(list(layers.of_second))
    apart = np.triu(np.ones((len(a), len(b)), np.bool_), 1) if layers.within else a[:, None] != b[None, :]
    for first, second in layers.matched if not layers.within else ():
        apart[np.ix_(a == first, b == second)] = False
    i, j = np.nonzero(apart)
    if len(i) > BASELINE_PAIRS:
        chosen = np.linspace(0, len(i) - 1, BASELINE_PAIRS).round().astype(np.int64)
        i, j = i[chosen], j[chosen]
    return i, j


def _sampled(part: Part, layers: Layers, read: bool) -> NDArray[np.float32]:
    """At most BASELINE_VALUES values [layers, n] at fixed hashed places."""
    rows = _stacked(part, layers, read)
    return rows[:, places(1, rows.shape[1], BASELINE_VALUES)]


def _quantiles(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 5th, 50th and 95th percentile of every figure; NaN where no pair has it."""
    some = np.isfinite(figures).any(axis=0)
    found = np.full((3, figures.shape[1]), np.nan)
    found[:, some] = np.nanquantile(figures[:, some], (0.05, 0.5, 0.95), axis=0)
    return found


def _means(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    some = np.isfinite(figures).any(axis=0)
    found = np.full(figures.shape[1], np.nan)
    found[some] = np.nanmean(figures[:, some], axis=0)
    return found


def _metrics(values: int, figures: NDArray[np.float64]) -> Metrics:
    return Metrics(values, **dict(zip(METRICS, figures.tolist(), strict=True)))


def profiles(layers: Sequence[RoleLayers], rows: Sequence[MetricRow]) -> list[Profile]:
    """The centred cosine and z of matched layers of every role, along the first model."""
    found = []
    for one in layers:
        mine = [r for r in rows if (r.role, r.slot) == (one.role, one.slot) and r.pair == one.label]
        matched, chosen = chosen_rows(mine)
        a, b = list(one.of_first), list(one.of_second)
        points = {
            (r.layer_first, r.layer_second): r.metrics.centred_cosine
            for r in reversed(chosen)  # the lowest expert stands for its layer
            if r.layer_first in a and r.layer_second in b
        }
        if points:
            z = layer_scores(one)
            ordered = sorted((i, j) for i, j in points if i is not None and j is not None)
            found.append(
                Profile(
                    one.label, one.role, one.slot, matched, one.role in CONTEXT_ROLES,
                    tuple(i for i, _ in ordered), tuple(j for _, j in ordered),
                    tuple(points[pair] for pair in ordered),
                    tuple(float(z[a.index(i), b.index(j)]) for i, j in ordered),
                    1 / math.sqrt(max(1, min(r.metrics.values for r in chosen))),
                )
            )  # fmt: skip
    return found
