"""The test of feed-forward neurons over all layers of two models: what it keeps while they are read, and its result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..tails import LOG10, fisher
from .combination import best_of
from .neurons import NeuronMatch, Neurons, match_neurons
from .pairing import TensorPair
from .residual_alignment import Basis
from .whole_metrics import finite

ROUTED_EXPERTS = 4
"""Routed experts that are tested of a layer: those of the lowest numbers, as the fingerprint has it."""

READING = (
    "Neurons are matched by their first matrix and again by their second. For independent models the two matchings are"
    " unrelated and p is uniform; a small p says that the layers share neurons, in whatever order. The control is the"
    " same between different layers of the two models: where it is small too, p is not to be trusted."
)


@dataclass(frozen=True, slots=True)
class NeuronLayer:
    """One pair of feed-forward blocks: `neurons` of them matched, Spearman's correlation of the two matchings, the
    share of the neurons on which both agree, and log10 p. `basis` says what dimensions were taken for the same."""

    layer_first: int
    expert_first: int | None
    layer_second: int
    expert_second: int | None
    basis: str
    neurons: int
    correlation: float
    agreement: float
    log10_p: float


@dataclass(frozen=True, slots=True)
class NeuronTest:
    """All layers together, by Fisher; the better of the bases, corrected for the choice. `log10_p` and
    `control_log10_p` (mismatched layers) are None where there is nothing to test, for the `reason`."""

    log10_p: float | None
    control_log10_p: float | None
    basis: str | None
    views: tuple[str, str] | None
    layers: tuple[NeuronLayer, ...]
    reading: str
    reason: str | None


_Part = NDArray[np.float32]


class NeuronCollector:
    """Keeps the chosen dimensions of the neurons of one layer, and tests the layer when it is complete."""

    def __init__(self, bases: Sequence[Basis], component: str) -> None:
        self._bases, self._component = bases, component
        self._block: tuple[TensorPair, ...] | None = None
        self._at: object = None
        self._pair: TensorPair | None = None
        self._parts: dict[tuple[str, int, int], list[_Part]] = {}
        self._before: dict[tuple[int, int], Neurons] = {}
        self._layers: list[list[NeuronLayer]] = [[] for _ in bases]
        self._controls: list[list[float]] = [[] for _ in bases]
        self._views: tuple[str, str] | None = None

    def wants(self, pair: TensorPair) -> bool:
        """Whether a pair is gate, up or down of a tested block; closes the block before it."""
        place = pair.place
        if place.component != self._component or place.role not in {"gate", "up", "down"} or place.slot or place.layer is None:
            return False
        if pair.first is None or pair.second is None or len(pair.first.tensor.shape) != 2:
            return False
        if place.expert is not None and place.expert >= ROUTED_EXPERTS:
            return False
        at = (pair.first.place.block, pair.second.place.block)
        if at != self._at:
            self._close()
            self._at, self._pair = at, pair
        return True

    def add(self, pair: TensorPair, side: int, start: int, block: _Part) -> None:
        """Keep the chosen dimensions of the next rows: columns of gate and up, rows of down."""
        for number, basis in enumerate(self._bases):
            chosen, signs = (basis.first, np.float32(1)) if side == 0 else (basis.second, basis.signs)
            parts = self._parts.setdefault((pair.place.role, side, number), [])
            if pair.place.role != "down":
                parts.append(finite(block[:, chosen] * signs))
                continue
            here = np.flatnonzero((chosen >= start) & (chosen < start + len(block)))
            here = here[np.argsort(chosen[here], kind="stable")]
            scale = signs[here][:, None] if side else np.float32(1)
            parts.append(finite(block[chosen[here] - start] * scale))

    def _neurons(self, side: int, number: int) -> Neurons | None:
        views = ("gate", "up") if ("gate", side, number) in self._parts else ("up", "down")
        found = []
        for role in views:
            parts = self._parts.get((role, side, number))
            if not parts:
                return None
            rows = np.concatenate(parts)
            if role == "down":
                basis = self._bases[number]
                chosen = basis.first if side == 0 else basis.second
                rows = np.ascontiguousarray(rows[np.argsort(np.argsort(chosen))].T)
            found.append(rows)
        self._views = views
        return Neurons(found[0], found[1]) if len(found[0]) == len(found[1]) else None

    def _close(self) -> None:
        """Test the block that is complete, and beside it the first model's against the second's block before."""
        pair, self._pair = self._pair, None
        if pair is None or pair.first is None or pair.second is None:
            return
        kept: dict[tuple[int, int], Neurons] = {}
        for number, basis in enumerate(self._bases):
            sides = [self._neurons(side, number) for side in (0, 1)]
            if sides[0] is None or sides[1] is None:
                continue
            if (match := match_neurons(sides[0], sides[1])) is not None:
                self._layers[number].append(_layer(pair, basis, match))
            earlier = self._before.get((1, number))
            if earlier is not None and (control := match_neurons(sides[0], earlier)) is not None:
                self._controls[number].append(control.log_p)
            kept[1, number] = sides[1]
        self._before, self._parts = kept, {}

    def result(self) -> NeuronTest:
        """The test over all blocks that were seen."""
        self._close()
        tested = [i for i, layers in enumerate(self._layers) if layers]
        if not tested:
            reason = "no dimension of the two is known to be the same" if not self._bases else "no feed-forward pairs"
            return NeuronTest(None, None, None, None, (), READING, reason)
        combined = [fisher(np.array([row.log10_p * LOG10 for row in self._layers[i]])) for i in tested]
        best, log_p = best_of(combined)
        controls = [fisher(np.array(self._controls[i])) for i in tested if self._controls[i]]
        return NeuronTest(
            log10_p=log_p / LOG10,
            control_log10_p=best_of(controls)[1] / LOG10 if controls else None,
            basis=self._bases[tested[best]].kind,
            views=self._views,
            layers=tuple(self._layers[tested[best]]),
            reading=READING,
            reason=None,
        )


def _layer(pair: TensorPair, basis: Basis, match: NeuronMatch) -> NeuronLayer:
    assert pair.first is not None and pair.second is not None
    first, second = pair.first.place, pair.second.place
    return NeuronLayer(
        layer_first=first.layer if first.layer is not None else -1,
        expert_first=first.expert,
        layer_second=second.layer if second.layer is not None else -1,
        expert_second=second.expert,
        basis=basis.kind,
        neurons=match.neurons,
        correlation=match.correlation,
        agreement=match.agreement,
        log10_p=max(match.log_p, -math.inf) / LOG10,
    )
