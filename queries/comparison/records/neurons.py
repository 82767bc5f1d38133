"""What neurons of two models do on the same tokens, beside layers that do not belong together."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerNeurons:
    """Neurons of one matrix of the first model and of its best counterpart in the second, or routed experts.

    Of `neurons` that could, `paired` are each other's best above a cosine that unrelated layers seldom reach, where
    `by_chance` are expected at most, at a mean cosine of `cosine`. `log10_p` is corrected for the choice of
    the counterpart.
    """

    layer_first: int
    expert_first: int | None
    layer_second: int
    expert_second: int | None
    experts: bool
    neurons: int
    paired: int
    by_chance: float
    cosine: float
    log10_p: float


@dataclass(frozen=True, slots=True)
class NeuronComparison:
    """Neurons of the first model of a pair against the best neuron of the second, over `tokens` shared characters.

    `counterparts` and `apart` are the shares of neurons whose best cosine lies between `edges` [n + 1]: in the layer
    that belongs to theirs, and in layers that do not; `median_counterparts` and `median_apart` are the medians.
    """

    pair: str
    tokens: int
    layers: tuple[LayerNeurons, ...]
    edges: tuple[float, ...]
    counterparts: tuple[float, ...]
    apart: tuple[float, ...]
    median_counterparts: float
    median_apart: float

    @property
    def neurons(self) -> int:
        """All that could belong together."""
        return sum(layer.neurons for layer in self.layers)

    @property
    def paired(self) -> int:
        """All that do, chance not taken off."""
        return sum(layer.paired for layer in self.layers)

    @property
    def by_chance(self) -> float:
        """As many would by chance, at most."""
        return sum(layer.by_chance for layer in self.layers)

    @property
    def log10_p(self) -> float:
        """Of the layer that says most, corrected for the number of layers."""
        best = min((layer.log10_p for layer in self.layers), default=0.0)
        return min(0.0, best + math.log10(max(1, len(self.layers))))
