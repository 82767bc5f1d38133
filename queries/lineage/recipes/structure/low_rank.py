"""LoRA merged into a base: W + s B A, where both the base and the adapter are registered.

Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021; s = alpha / rank, or alpha / sqrt(rank)
(Kalajdzievski, 2023).

*Limitations.* Of a factor 8 ranks are registered at most, so that larger adapters are left alone. A change is known
where a sampled value of the matrix lies in a registered row of B and a registered column of A: at some of 256 places in
small matrices, at one or two in those of 4,096 columns, where nothing is told unless most matrices are adapted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import duckdb
import numpy as np
from numpy.typing import NDArray

from .....ingest.fingerprint.factors import factor_ranks, rank_axis
from .....ingest.fingerprint.positions import MATRIX_VALUES, places
from .....ingest.plan import LEADING_ROWS
from ....data.component import Component
from ....data.precision import fraction_bits, rounded_to
from ....data.query import load_models
from ....sql import statement
from ....thresholds.recipes import FEWEST_CHANGED, RECIPE_CLAIMED, RECIPE_COPY
from ..places import Floats, TensorKey, Vector, keys_of

MOST_RANK = 8
"""Ranks of a factor that the registry holds."""
MOST_ADAPTERS = 200
"""Adapters that are tried: those that change no tensor which the model has not."""
_DIGITS = (0, 1, 2, 3)
"""Decimals that people write a weight with."""


@dataclass(frozen=True, slots=True)
class LowRank:
    """A registered adapter of small rank; `alpha` as declared, None where it is not."""

    name: str
    source: str
    component: Component
    alpha: float | None
    rslora: bool

    def scale(self, rank: int) -> float:
        """What B A is multiplied by; 1 where the adapter does not say."""
        return 1.0 if self.alpha is None else self.alpha / (rank**0.5 if self.rslora else rank)


@dataclass(frozen=True, slots=True)
class Adapted:
    """A base with an adapter merged in: their numbers, the weight of the change, and what that reproduces.

    `share` is of all compared places, `changed` of those where the model differs from its base; `rival` is the best
    share of the changed by another pair. `stepwise` says that the change was rounded to the model's type before it was
    added.
    """

    base: int
    adapter: int
    weight: float
    share: float
    changed: float
    rival: float
    stepwise: bool


def adapters_of(connection: duckdb.DuckDBPyConnection, query: Component) -> list[LowRank]:
    """The registered LoRA adapters that change nothing that the component has not, of ranks that are registered."""
    matrices = [t for t, shape in enumerate(query.shapes) if len(shape) == 2 and query.expert[t] < 0]
    rows = connection.execute(
        statement("models/low_rank"),
        {
            "component": query.name,
            "layers": [int(query.layer[t]) for t in matrices],
            "roles": [query.roles[t] for t in matrices],
            "slots": [query.slots[t] for t in matrices],
            "outputs": [query.shapes[t][0] for t in matrices],
            "inputs": [query.shapes[t][1] for t in matrices],
            "rank": MOST_RANK,
            "most": MOST_ADAPTERS,
        },
    ).fetchall()
    loaded = load_models(connection, [row[0] for row in rows]) if rows else {}
    return [
        LowRank(name, uri, component, alpha, rslora)
        for model, name, uri, alpha, rslora in rows
        for component in loaded.get(model, [])[:1]
    ]


def adapted(query: Component, relatives: Sequence[Component], adapters: Sequence[LowRank]) -> Adapted | None:
    """The base and the adapter that give the model; None where none does, or the model is the base of a merge of it."""
    keys = keys_of(query)
    bits = fraction_bits(query)
    found: list[Adapted] = []
    for number, adapter in enumerate(adapters):
        change = _change(query, keys, adapter)
        if not change:
            continue
        for base, relative in enumerate(relatives):
            fit = _fit(query, keys, relative, change, bits)
            if fit is not None:
                found.append(replace(fit, base=base, adapter=number))
    found.sort(key=lambda fit: -fit.changed)
    if not found or found[0].changed < RECIPE_CLAIMED or found[0].weight < 0:
        return None  # a base is its own merge with the adapter taken off again
    return replace(found[0], rival=found[1].changed if found[1:] else 0.0)


_Change = dict[TensorKey, tuple[NDArray[np.int64], Floats]]
"""Tensor -> the sampled places at which its change is known, and the change float32 there, at a weight of 1."""


def _change(query: Component, keys: dict[TensorKey, int], adapter: LowRank) -> _Change:
    factors: dict[tuple[int, str, str], dict[int, tuple[int, Floats]]] = defaultdict(dict)
    held = adapter.component
    for row, t in enumerate(held.positions.tensor.tolist()):
        axis = rank_axis(held.slots[t])
        rank = held.shapes[t][axis]
        values = np.asarray(held.positions.value[row, : int(held.sampled[t])], np.float32)
        slot = held.slots[t].rpartition(".")[0]
        factors[int(held.layer[t]), held.roles[t], slot][axis] = rank, values.reshape(factor_ranks(rank), -1)
    found: _Change = {}
    for key, row in keys.items():
        t = int(query.positions.tensor[row])
        pair = factors.get((key[0], query.roles[t], query.slots[t]))
        if pair is None or len(pair) < 2 or len(key[3]) != 2:
            continue
        (rank, down), (_, up) = pair[0], pair[1]
        outputs, inputs = key[3]
        at = places(min(outputs, LEADING_ROWS), inputs, MATRIX_VALUES)
        columns = places(1, inputs, MATRIX_VALUES // len(down))
        known = np.flatnonzero((at // inputs < up.shape[1]) & np.isin(at % inputs, columns))
        rows, into = at[known] // inputs, np.searchsorted(columns, at[known] % inputs)
        change = (up[:, rows].astype(np.float64) * down[:, into]).sum(axis=0) * adapter.scale(rank)
        found[key] = known, change.astype(np.float32)
    return found


def _fit(
    query: Component, keys: dict[TensorKey, int], relative: Component, change: _Change, bits: int
) -> Adapted | None:
    """The weight and the rounding under which a base and a change reproduce most; None where they cannot be it."""
    theirs = keys_of(relative)
    if not all(key in theirs for key in change):
        return None
    mine = [np.asarray(query.positions.value[keys[key]][at], np.float32) for key, (at, _) in change.items()]
    ground = [np.asarray(relative.positions.value[theirs[key]][at], np.float32) for key, (at, _) in change.items()]
    values, base = np.concatenate(mine), rounded_to(np.concatenate(ground), bits)
    moves = np.concatenate([delta for _, delta in change.values()])
    moved = values != base
    if int(moved.sum()) < FEWEST_CHANGED or not _same_elsewhere(query, keys, relative, theirs, change, bits):
        return None
    best: Adapted | None = None
    for weight, stepwise in product(_weights(values.astype(np.float64) - base, moves), (False, True)):
        step = np.float32(weight) * moves
        made = rounded_to(base + (rounded_to(step, bits) if stepwise else step), bits)
        equal = made == values
        fit = Adapted(0, 0, weight, float(equal.mean()), float(equal[moved].mean()), 0.0, stepwise)
        if best is None or fit.share > best.share:
            best = fit
    return best


def _weights(target: Vector, moves: Floats) -> list[float]:
    """The adapter as it is, then the weight of least squares with few digits."""
    length = float(np.square(moves, dtype=np.float64).sum())
    weight = float(target @ moves) / length if length else 0.0
    return list(dict.fromkeys([1.0, *(round(weight, digits) for digits in _DIGITS)]))


def _same_elsewhere(
    query: Component,
    keys: dict[TensorKey, int],
    relative: Component,
    theirs: dict[TensorKey, int],
    change: _Change,
    bits: int,
) -> bool:
    """Whether the tensors of layers that the adapter leaves alone are the base's."""
    rows = [(keys[key], theirs[key]) for key in keys if key in theirs and key not in change and key[0] >= 0]
    if not rows:
        return True
    mine = np.asarray(query.positions.value[[row for row, _ in rows]], np.float32)
    base = np.asarray(relative.positions.value[[row for _, row in rows]], np.float32)
    return float((rounded_to(base, bits) == mine).mean()) >= RECIPE_COPY
