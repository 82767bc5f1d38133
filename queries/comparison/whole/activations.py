"""What all neurons of all layers do on the same tokens, layer by layer while whole weights pass by.

The measure is that of the evidence (`evidence.activations`), on every neuron instead of 512, and on every layer that
has a counterpart instead of four. The layer of the second model that was before a counterpart is the null: it does not
belong there. Memory holds vectors of two layers; a layer of 14,336 neurons is compared in strips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ....ingest.activations import ActivationPlan, plan_activations
from ....ingest.fingerprint.activations import FEW_TOKENS, Levels, TokenInputs, neuron_vectors, token_inputs
from ....ingest.metadata.tokenizer import Vocabulary
from ....ingest.names.architectures import FEEDS
from ....ingest.names.naming import NamedTensor
from ....ingest.plan import ROUTED_EXPERTS
from ...data.component import unit_vectors
from ...evidence.activations import negative_binomial_tail, null_of
from ...statistics.pvalues import LOG10, bonferroni
from ...thresholds.significance import ACTIVATION_COSINES, FEW_MISMATCHED
from ..pair.neurons import summary_of
from ..records.neurons import LayerNeurons, NeuronComparison
from .pairing import TensorPair

if TYPE_CHECKING:
    from ....ingest.reading.digest import Block
    from ....ingest.reading.stream import WholeModel

STRIP = 2048
"""Neurons of the first model that are compared with all of a layer of the second at once: 117 MB of 14,336."""
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Side:
    """One model: its embedding's rows of the characters, and its norms by layer and place."""

    model: WholeModel
    inputs: TokenInputs
    norms: dict[tuple[int | None, str], NamedTensor]

    def gain(self, matrix: NamedTensor) -> NDArray[np.float32] | None:
        """The gain [in] of the norm before a matrix, None where there is none of its width."""
        for slot in FEEDS.get(matrix.place.role, ()):
            norm = self.norms.get((matrix.place.layer, slot))
            if norm is not None and norm.tensor.parameters == matrix.tensor.matrix[1]:
                found = self.model.rows(norm.tensor, (0,))[0] + np.float32(self.model.gain_offset)
                return np.asarray(found, np.float32)
        return None


@dataclass(frozen=True, slots=True)
class _Layer:
    """Two layers that were compared: pairs and sums of cosines above each threshold [8], and pairs of the null."""

    pair: TensorPair
    neurons: int
    counts: NDArray[np.float64]
    cosines: NDArray[np.float64]
    best: Vectors
    null: NDArray[np.float64] | None
    best_apart: Vectors


class NeuronVectors:
    """Keeps what the neurons of one layer of both models do, and compares the layer when it is complete."""

    def __init__(self, first: WholeModel, second: WholeModel, component: str) -> None:
        sides = _side(first, component), _side(second, component)
        self._sides = (sides[0], sides[1]) if sides[0] and sides[1] else None
        self._tokens = sides[0].inputs.mask & sides[1].inputs.mask if sides[0] and sides[1] else 0
        self._component = component
        self._gated = [
            {n.place.block for n in model.named if n.place.role == "gate" and not n.place.slot}
            for model in (first, second)
        ]
        self._pair: TensorPair | None = None
        self._gains: list[NDArray[np.float32] | None] = [None, None]
        self._kept: tuple[list[Levels], list[Levels]] = ([], [])
        self._last: tuple[int | None, Vectors] | None = None
        self._before: Vectors | None = None
        self._layers: list[_Layer] = []

    def wants(self, pair: TensorPair) -> bool:
        """Whether a pair is the gate (else `up`) of a compared layer; a new one closes the one before."""
        first, second, place = pair.first, pair.second, pair.place
        if self._sides is None or self._tokens.bit_count() < FEW_TOKENS or first is None or second is None:
            return False
        if place.component != self._component or place.layer is None or place.slot:
            return False
        gated = [one.place.block in blocks for one, blocks in zip((first, second), self._gated, strict=True)]
        if place.role != ("gate" if all(gated) else "up") or any(gated) != all(gated):
            return False
        if (place.expert or 0) >= ROUTED_EXPERTS:
            return False
        for named, side in zip((first, second), self._sides, strict=True):
            if len(named.tensor.shape) != 2 or named.tensor.matrix[1] != side.inputs.inputs.shape[1]:
                return False
        self._close()
        self._pair = pair
        self._gains = [side.gain(named) for side, named in zip(self._sides, (first, second), strict=True)]
        return True

    def add(self, pair: TensorPair, side: int, start: int, block: Block) -> None:
        """The vectors of the next rows [rows, in]."""
        assert self._sides is not None
        self._kept[side].append(neuron_vectors(self._sides[side].inputs, block, self._gains[side]))

    def _close(self) -> None:
        pair, kept = self._pair, self._kept
        self._pair, self._kept = None, ([], [])
        if pair is None or not all(kept):
            return
        first, second = (unit_vectors(np.concatenate(levels), self._tokens) for levels in kept)
        counts, cosines, best = mutual_pairs(first, second)
        layer = pair.second.place.layer if pair.second else None
        if self._last is not None and self._last[0] != layer:  # experts that were one layer are all alike
            self._before = self._last[1]
        null, apart = None, np.empty(0, np.float32)
        if self._before is not None:
            null, _, apart = mutual_pairs(first, self._before)
        neurons = min(len(first), len(second))
        self._layers.append(_Layer(pair, neurons, counts, cosines, best, null, apart))
        self._last = layer, second

    def result(self) -> NeuronComparison | None:
        """All layers that were seen; None where the models share no characters, or too few layers for a null."""
        self._close()
        nulls = [layer.null for layer in self._layers if layer.null is not None]
        if len(nulls) < FEW_MISMATCHED:
            return None
        chance, shape = null_of(np.stack(nulls))
        rows = [_row(layer, chance, shape) for layer in self._layers]
        best, apart = [layer.best for layer in self._layers], [layer.best_apart for layer in self._layers]
        return summary_of("A-B", self._tokens.bit_count(), rows, best, apart)


def _side(model: WholeModel, component: str) -> _Side | None:
    vocabulary = model.tokenizer.vocabulary() if model.tokenizer else Vocabulary()
    plans: Sequence[ActivationPlan] = plan_activations(model.named, vocabulary)
    plan = next((p for p in plans if p.matrices[0].named.place.component == component), None)
    if plan is None:
        return None
    rows = model.rows(plan.embedding.named.tensor, plan.embedding.rows)
    inputs = token_inputs(plan.present, rows, layer_norm=plan.layer_norm)
    norms = {
        (n.place.layer, n.place.slot): n
        for n in model.named
        if n.place.role == "norm" and n.place.component == component
    }
    return _Side(model, inputs, norms) if inputs else None


def mutual_pairs(first: Vectors, second: Vectors) -> tuple[NDArray[np.float64], NDArray[np.float64], Vectors]:
    """Pairs of unit vectors [n, 64] and [m, 64] that are each other's best, above each threshold [8]; in strips.

    Their number, the sum of their cosines, and the best cosine [n] of every neuron of the first, by magnitude.
    """
    best, found = np.zeros(len(first), np.int64), np.zeros(len(first), np.float32)
    theirs, most = np.full(len(second), -1, np.int64), np.full(len(second), -1, np.float32)
    for start in range(0, len(first), STRIP):
        strip = np.abs(first[start : start + STRIP] @ second.T)
        best[start : start + STRIP] = strip.argmax(axis=1)
        found[start : start + STRIP] = strip.max(axis=1)
        highest = strip.max(axis=0)
        nearer = highest > most
        theirs[nearer] = strip.argmax(axis=0)[nearer] + start
        most[nearer] = highest[nearer]
    mutual = found[theirs[best] == np.arange(len(first))][:, None]
    above = mutual > ACTIVATION_COSINES
    counts, cosines = above.sum(axis=0).astype(np.float64), (mutual * above).sum(axis=0).astype(np.float64)
    return counts, cosines, found[first.any(axis=1)]


def _row(layer: _Layer, chance: NDArray[np.float64], shape: NDArray[np.float64]) -> LayerNeurons:
    assert layer.pair.first is not None and layer.pair.second is not None
    first, second = layer.pair.first.place, layer.pair.second.place
    assert first.layer is not None and second.layer is not None
    tails = negative_binomial_tail(layer.counts, chance, shape)
    at = int(tails.argmin())
    return LayerNeurons(
        layer_first=first.layer,
        expert_first=first.expert,
        layer_second=second.layer,
        expert_second=second.expert,
        experts=False,
        neurons=layer.neurons,
        paired=int(layer.counts[at]),
        by_chance=float(chance[at]),
        cosine=float(layer.cosines[at] / layer.counts[at]) if layer.counts[at] else 0.0,
        log10_p=float(bonferroni(tails[at : at + 1], float(len(ACTIVATION_COSINES)))[0]) / LOG10,
    )
