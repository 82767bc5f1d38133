"""The panel of neurons of a pair: what is kept of a few layers of both, and how alike the best of them are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...data.component import Component
from ...evidence.activations import matched_layers
from ...statistics.pvalues import LOG10
from ..records.neurons import LayerNeurons, NeuronComparison
from .matching import Pair

EDGES = np.linspace(0, 1, 26)
"""Of the histograms of best cosines, which are magnitudes: the sign of a neuron is none of the function's."""


def neuron_comparison(pair: Pair) -> NeuronComparison | None:
    """Every kept neuron of the first model beside the best of the second; None where nothing can be compared."""
    first, second = pair.first.component, pair.second.component
    found = matched_layers(first, second)
    if not found:
        return None
    mine = {n.tensor: n for n in first.activations}
    theirs = {n.tensor: n for n in second.activations}
    tokens = -1
    for one in found:
        tokens &= mine[one.query].tokens & theirs[one.candidate].tokens
    belongs = {one.query: one.candidate for one in found if first.roles[one.query] != "router"}
    counterparts: list[NDArray[np.float32]] = []
    apart: list[NDArray[np.float32]] = []
    for query, best in belongs.items():
        for candidate in sorted({*belongs.values(), *_neurons(second)}):
            cosines = best_cosines(mine[query].over(tokens), theirs[candidate].over(tokens))
            (counterparts if candidate == best else apart).append(cosines)
    layers = [
        LayerNeurons(
            layer_first=int(first.layer[one.query]),
            expert_first=_expert(first, one.query),
            layer_second=int(second.layer[one.candidate]),
            expert_second=_expert(second, one.candidate),
            experts=first.roles[one.query] == "router",
            neurons=one.neurons,
            paired=one.pairs,
            by_chance=one.chance,
            cosine=one.cosine,
            log10_p=one.log_p / LOG10,
        )
        for one in found
    ]
    return summary_of(pair.label, tokens.bit_count(), layers, counterparts, apart)


def _neurons(component: Component) -> list[int]:
    """The tensors of which neurons are kept, routers left out."""
    return [n.tensor for n in component.activations if component.roles[n.tensor] != "router"]


def _expert(component: Component, tensor: int) -> int | None:
    return int(component.expert[tensor]) if component.expert[tensor] >= 0 else None


def best_cosines(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest magnitude of the cosine of every unit vector [n, 64] with any of [m, 64]; neurons of 0 left out."""
    varying = first[first.any(axis=1)]
    return np.asarray(np.abs(varying @ second.T).max(axis=1, initial=0))


def summary_of(
    pair: str,
    tokens: int,
    layers: list[LayerNeurons],
    counterparts: list[NDArray[np.float32]],
    apart: list[NDArray[np.float32]],
) -> NeuronComparison:
    """The record of a pair from its layers and the best cosines of its neurons, in counterparts and in others."""
    near, far = (np.concatenate([*found, np.empty(0, np.float32)]) for found in (counterparts, apart))
    return NeuronComparison(
        pair=pair,
        tokens=tokens,
        layers=tuple(layers),
        edges=tuple(EDGES.round(4).tolist()),
        counterparts=_shares(near),
        apart=_shares(far),
        median_counterparts=_median(near),
        median_apart=_median(far),
    )


def _shares(cosines: NDArray[np.float32]) -> tuple[float, ...]:
    counts, _ = np.histogram(np.minimum(cosines, 1), EDGES)
    return tuple((counts / max(1, len(cosines))).tolist())


def _median(cosines: NDArray[np.float32]) -> float:
    return float(np.median(cosines)) if len(cosines) else float("nan")
