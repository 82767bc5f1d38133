"""The activations of a model: what is read for them, and what is kept.

Of every component with feed-forward layers: the rows of 64 characters of its embedding, and the leading rows of the
gate (of `up` where there is no gate) and of the router of four layers, the first and the last among them, because
layers that are cut or doubled are mostly in the middle. Of routed experts, the first one's.

For Llama 2 7B that is 17 MB, 0.13 % of the checkpoint, in five to ten reads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .fingerprint.activation_sketch import activation_sketch
from .fingerprint.activations import (
    FEW_TOKENS,
    TOKENS,
    Levels,
    TokenInputs,
    character_keys,
    neuron_vectors,
    token_inputs,
)
from .metadata.tokenizer import Vocabulary
from .names.naming import ADAPTER, NamedTensor
from .plan import PlannedTensor, ReadPlan
from .reading.ranges import Block, read_plan
from .sources.source import Source

LAYERS = 4
"""Three, four and all layers find the same pairs; of four, twelve mismatched pairs of layers measure the null."""
NEURONS = 512
"""Leading rows of a layer: of shuffled neurons 512 x 512 / width meet, 18 of 14,336, which is enough."""
ROWS_A_LAYER = 608
"""Neurons and routed experts together: four layers of 608 vectors of 24 bytes are 58 kB."""
MOST_EXPERTS = 256
_FEWEST = 8
"""Rows that a matrix must have: fewer vectors are no population."""
_TENSOR_LIMIT = 64 << 20  # bytes as float32; 512 rows of the widest published model take half of that
_NEURON_ROLES = ("gate", "up")

Gain = Callable[[NamedTensor], NDArray[np.float32] | None]
"""The gain [in] of the norm whose output a matrix reads, None where there is none."""


@dataclass(frozen=True, slots=True)
class ActivationLayer:
    """Vectors of one matrix: `tokens` has bit i where CHARACTERS[i] took part, `levels` int8 [neurons, TOKENS]."""

    named: NamedTensor
    tokens: int
    levels: Levels


@dataclass(frozen=True, slots=True)
class ActivationSketch:
    """What the candidate scan compares of one component: `signs`, 1,024 bits. Only where all characters are there."""

    component: str
    signs: bytes


@dataclass(frozen=True, slots=True)
class Activations:
    """The activations of a model; empty where embeddings are missing or have no characters.

    `left_out` says why they were not read where they could have been.
    """

    layers: tuple[ActivationLayer, ...] = ()
    sketches: tuple[ActivationSketch, ...] = ()
    left_out: str = ""


NO_ACTIVATIONS = Activations()


@dataclass(frozen=True, slots=True)
class ActivationPlan:
    """What to read of one component: the embedding's rows of the characters `present` (places), then matrices."""

    embedding: PlannedTensor
    present: NDArray[np.int64]
    matrices: tuple[PlannedTensor, ...]
    layer_norm: bool

    @property
    def bytes(self) -> int:
        """Bytes of all ranges."""
        return self.embedding.bytes + sum(m.bytes for m in self.matrices)


def plan_activations(named: Sequence[NamedTensor], vocabulary: Vocabulary) -> tuple[ActivationPlan, ...]:
    """One plan for every component that has an embedding of its width with at least 40 of the characters."""
    components: dict[str, list[NamedTensor]] = defaultdict(list)
    for item in named:
        if item.place.layer is not None and item.place.component != ADAPTER:
            components[item.place.component].append(item)
    embeddings = [n for n in named if n.place.role == "embed" and not n.place.slot and n.place.layer is None]
    plans = (_plan_component(c, found, embeddings, vocabulary) for c, found in sorted(components.items()))
    return tuple(plan for plan in plans if plan is not None)


def _plan_component(
    component: str, named: list[NamedTensor], embeddings: list[NamedTensor], vocabulary: Vocabulary
) -> ActivationPlan | None:
    layers = _first_matrices(named)
    if not layers:
        return None
    numbers = sorted(layers)
    chosen = [numbers[i] for i in sorted({*np.linspace(0, len(numbers) - 1, LAYERS).round().astype(int).tolist()})]
    width = layers[chosen[0]].tensor.matrix[1]
    embedding = _embedding(component, embeddings, width)
    if embedding is None:
        return None
    ids, present = vocabulary.places(character_keys(), embedding.tensor.matrix[0])
    if len(ids) < FEW_TOKENS:
        return None
    routers = {n.place.layer: n for n in named if n.place.role == "router" and len(n.tensor.shape) == 2}
    matrices: list[PlannedTensor] = []
    for layer in chosen:
        router = routers.get(layer)
        experts = _rows(router, MOST_EXPERTS, width) if router else None
        taken = len(experts.rows) if experts else 0
        neurons = _rows(layers[layer], min(NEURONS, ROWS_A_LAYER - taken), width)
        matrices += [one for one in (neurons, experts) if one]
    order = np.argsort(ids, kind="stable")
    rows = tuple(int(i) for i in ids[order])
    read = PlannedTensor(embedding, rows, tuple(embedding.tensor.storage.ranges(rows)))
    if not matrices or max(read.bytes, 4 * read.values) > _TENSOR_LIMIT:
        return None
    return ActivationPlan(read, present[order], tuple(matrices), _has_layer_norms(named))


def _first_matrices(named: Iterable[NamedTensor]) -> dict[int, NamedTensor]:
    """Layer -> its gate, or `up` where there is no gate; that of the lowest expert where experts are routed."""
    found: dict[int, NamedTensor] = {}

    def preference(item: NamedTensor) -> tuple[int, int]:
        return _NEURON_ROLES.index(item.place.role), -1 if item.place.expert is None else item.place.expert

    for item in named:
        place = item.place
        if place.layer is None or place.role not in _NEURON_ROLES or place.slot or len(item.tensor.shape) != 2:
            continue
        known = found.get(place.layer)
        if known is None or preference(item) < preference(known):
            found[place.layer] = item
    return found


def _embedding(component: str, embeddings: list[NamedTensor], width: int) -> NamedTensor | None:
    """The embedding of that width: the component's own, else for an encoder-decoder the one that it shares (T5)."""
    fitting = [e for e in embeddings if len(e.tensor.shape) == 2 and e.tensor.matrix[1] == width]
    asked = (component, "language", "encoder") if component in {"encoder", "decoder"} else (component,)
    return next((e for one in asked for e in fitting if e.place.component == one), None)


def _rows(item: NamedTensor, most: int, width: int) -> PlannedTensor | None:
    """The leading rows of a matrix of that width, None where it has too few or they take too many bytes."""
    count = min(most, item.tensor.matrix[0])
    if item.tensor.matrix[1] != width or count < _FEWEST:
        return None
    if 4 * count * width > _TENSOR_LIMIT:
        return None
    rows = tuple(range(count))
    planned = PlannedTensor(item, rows, tuple(item.tensor.storage.ranges(rows)))
    return planned if planned.bytes <= _TENSOR_LIMIT else None


def _has_layer_norms(named: Iterable[NamedTensor]) -> bool:
    """Whether norms have a bias: then they subtract the mean."""
    return any(n.place.role == "bias" and n.place.slot.startswith("norm.") for n in named)


def read_activations(plans: Sequence[ActivationPlan], source: Source, gain: Gain) -> Activations:
    """The activations that `plans` tell, from `source`. Raises SourceError when a read fails."""
    layers: list[ActivationLayer] = []
    sketches: list[ActivationSketch] = []
    for plan in plans:
        blocks = _blocks(plan, source)
        _, rows = next(blocks)
        tokens = token_inputs(plan.present, rows, layer_norm=plan.layer_norm)
        if tokens is None:
            continue
        made = [_layer(planned, block, tokens, gain) for planned, block in blocks]
        layers += [layer for layer in made if layer.levels.any()]
        neurons = [m.levels for m in made if m.named.place.role in _NEURON_ROLES and m.levels.any()]
        if len(tokens.present) == TOKENS and neurons:
            sketches.append(ActivationSketch(plan.matrices[0].named.place.component, activation_sketch(neurons)))
    return Activations(tuple(layers), tuple(sketches))


def _blocks(plan: ActivationPlan, source: Source) -> Iterator[tuple[PlannedTensor, Block]]:
    """The embedding's rows, then those of every matrix."""
    batches = ((plan.embedding,), *((matrix,) for matrix in plan.matrices))
    for batch in read_plan(ReadPlan(batches, ()), source):
        yield from ((read.planned, read.block) for read in batch)


def _layer(planned: PlannedTensor, block: Block, tokens: TokenInputs, gain: Gain) -> ActivationLayer:
    found = gain(planned.named)
    return ActivationLayer(planned.named, tokens.mask, neuron_vectors(tokens, block, found))
