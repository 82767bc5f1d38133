"""Which tensor of one model stands beside which of another: by the block map of the evidence, and by equal number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...evidence.pair import PairEvidence
from .sides import Part


@dataclass(frozen=True)
class Pair:
    """Two parts with the evidence of both directions: `forward` asks what of the first is in the second."""

    first: Part
    second: Part
    forward: PairEvidence
    backward: PairEvidence

    @property
    def label(self) -> str:
        """`A-B`."""
        return f"{self.first.label}-{self.second.label}"

    @cached_property
    def block_map(self) -> NDArray[np.int64]:
        """The unit of the second for every unit of the first, -1 without one: forward, else what backward says."""
        found = self.forward.block_map.copy()
        if (found < 0).all():
            units = self.backward.block_map
            for unit in np.flatnonzero(units >= 0):
                found[units[unit]] = unit
        return found

    @cached_property
    def matched_layers(self) -> tuple[tuple[int, int], ...]:
        """(layer of the first, layer of the second) of the block map, each once."""
        pairing = self.forward.pairing
        found = {
            (pairing.query_units[unit][0], pairing.candidate_units[other][0])
            for unit, other in enumerate(self.block_map.tolist())
            if other >= 0
        }
        return tuple(sorted((a, b) for a, b in found if a >= 0 and b >= 0))

    @cached_property
    def tensors(self) -> tuple[TensorPair, ...]:
        """Every two tensors that stand beside each other, by the block map, by equal number, or by both."""
        mapped, numbered = self._by_map(), self._by_number()
        return tuple(TensorPair(i, j, (i, j) in mapped, (i, j) in numbered) for i, j in sorted(mapped | numbered))

    def _by_map(self) -> set[tuple[int, int]]:
        pairing = self.forward.pairing
        if pairing.query.network:  # a matrix is a block of its own
            return {(i, int(j)) for i, j in enumerate(self.block_map) if j >= 0}
        theirs: dict[tuple[int, str], int] = {}
        for j, (unit, key) in enumerate(zip(pairing.candidate_unit.tolist(), pairing.candidate.keys, strict=True)):
            theirs[unit, key] = j
        found = set()
        for i, (unit, key) in enumerate(zip(pairing.query_unit.tolist(), pairing.query.keys, strict=True)):
            partner = theirs.get((int(self.block_map[unit]), key))
            if partner is not None:
                found.add((i, partner))
        return found

    def _by_number(self) -> set[tuple[int, int]]:
        theirs = {place: j for j, place in enumerate(places(self.second))}
        return {(i, theirs[place]) for i, place in enumerate(places(self.first)) if place in theirs}


@dataclass(frozen=True, slots=True)
class TensorPair:
    """Tensor `first` of one part and `second` of the other, and what puts them side by side."""

    first: int
    second: int
    by_block_map: bool
    by_number: bool


def places(part: Part) -> list[tuple[int, int, str]]:
    """Layer, expert and key of every tensor."""
    component = part.component
    return list(zip(component.layer.tolist(), component.expert.tolist(), component.keys, strict=True))


def place(number: int) -> int | None:
    """A layer or an expert as records have it: None for none."""
    return None if number < 0 else number


def one_of_each_layer(part: Part) -> dict[tuple[str, str], dict[int, int]]:
    """(role, slot) -> layer -> the tensor that stands for it: the dense one, else that of the lowest expert."""
    component = part.component
    found: dict[tuple[str, str], dict[int, int]] = {}
    order = np.lexsort((np.arange(len(component.names)), component.expert))
    for tensor in order.tolist():
        layer = int(component.layer[tensor])
        if layer >= 0 and component.read[tensor]:
            found.setdefault((component.roles[tensor], component.slots[tensor]), {}).setdefault(layer, tensor)
    return {key: dict(sorted(layers.items())) for key, layers in sorted(found.items())}
