"""The values of every role of every model: moments, quantiles, and histograms on common edges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..records.figures import Distribution, ValueSource
from ..tables.metric_tables import CONTEXT_ROLES, role_order
from .matching import one_of_each_layer
from .sides import Part

PROBABILITIES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)
BINS = 48
MOST_VALUES = 1 << 20
"""Values of one role of one model that are looked at, evenly taken: 0.999 quantiles stand on a thousand of them."""


def distributions(parts: Sequence[Part]) -> list[Distribution]:
    """One for each role in the layers of every part. Histograms of a role share their edges: 0.1 % to 99.9 % of all."""
    values: dict[tuple[str, str], list[tuple[Part, NDArray[np.float32]]]] = defaultdict(list)
    for part in parts:
        for key, layers in one_of_each_layer(part).items():
            found = [v for tensor in layers.values() if (v := _values(part, tensor)) is not None]
            if found:
                flat = np.concatenate(found)
                values[key].append((part, flat[:: -(-len(flat) // MOST_VALUES)]))
    return [one for key in sorted(values, key=lambda k: role_order(*k)) for one in _of_role(key, values[key])]


def _values(part: Part, tensor: int) -> NDArray[np.float32] | None:
    if part.rows is not None and tensor in part.rows.blocks:
        return part.rows.blocks[tensor].reshape(-1)
    kept = part.kept(tensor)
    return None if kept is None else kept.reshape(-1)


def _of_role(key: tuple[str, str], found: Sequence[tuple[Part, NDArray[np.float32]]]) -> list[Distribution]:
    quantiles = {part.label: np.quantile(values.astype(np.float64), PROBABILITIES) for part, values in found}
    low = min(float(q[0]) for q in quantiles.values())
    high = max(float(q[-1]) for q in quantiles.values())
    if not low < high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)
    return [_one(key, part, values, quantiles[part.label], edges) for part, values in found]


def _one(
    key: tuple[str, str],
    part: Part,
    values: NDArray[np.float32],
    quantiles: NDArray[np.float64],
    edges: NDArray[np.float64],
) -> Distribution:
    wide = values.astype(np.float64)
    mean, std = float(wide.mean()), float(wide.std())
    counts, _ = np.histogram(wide.clip(edges[0], edges[-1]), edges)
    source: ValueSource = "kept values" if part.rows is None else "leading rows"
    return Distribution(
        model=part.label,
        role=key[0],
        slot=key[1],
        context=key[0] in CONTEXT_ROLES,
        values="whole tensors" if key[0] in CONTEXT_ROLES and part.rows is not None else source,
        count=len(wide),
        mean=mean,
        std=std,
        kurtosis=float(np.mean(np.square(np.square((wide - mean) / std)))) if std > 0 else float("nan"),
        probabilities=PROBABILITIES,
        quantiles=tuple(quantiles.tolist()),
        edges=tuple(edges.tolist()),
        shares=tuple((counts / len(wide)).tolist()),
    )
