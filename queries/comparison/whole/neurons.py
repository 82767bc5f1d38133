"""The test of feed-forward neurons over all layers of two models: what it keeps while they are read, and its result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....ingest.plan import ROUTED_EXPERTS
from ...data.component import FFN_ROLES
from ...statistics.neuron_matching import NeuronMatch, Neurons, match_neurons
from ...statistics.pvalues import LOG10, fisher
from ...statistics.residual_alignment import NO_BASIS, Basis
from ...statistics.whole_metrics import finite
from .pairing import TensorPair

READING = (
    "Neurons are matched by their first matrix and again by their second. For independent models the two matchings are"
    " unrelated and p is uniform: one unrelated pair in a hundred has 0.01. A p far below that says that the layers"
    " share neurons, in whatever order. The control is the same between different layers of the two models: where it is"
    " small too, p is not to be trusted."
)


@dataclass(frozen=True, slots=True)
class NeuronLayer:
    """One pair of feed-forward blocks.

    `neurons` of them were matched; Spearman's correlation of the two matchings, the
    share of the neurons on which both agree, and log10 p.
    """

    layer_first: int
    expert_first: int | None
    layer_second: int
    expert_second: int | None
    neurons: int
    correlation: float
    agreement: float
    log10_p: float


@dataclass(frozen=True, slots=True)
class NeuronTest:
    """All layers together, by Fisher.

    `basis` says what dimensions were taken for the same, `views` which two matrices
    were matched. `log10_p` is None where there is nothing to test, for the `reason`; `control_log10_p` is that of
    mismatched layers, None with one layer.
    """

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

    def __init__(self, basis: Basis | None, component: str) -> None:
        self._basis, self._component = basis, component
        self._at: tuple[str, str] | None = None
        self._pair: TensorPair | None = None
        self._parts: dict[tuple[str, int], list[_Part]] = {}
        self._before: Neurons | None = None
        self._layers: list[NeuronLayer] = []
        self._controls: list[float] = []
        self._views: tuple[str, str] | None = None

    def wants(self, pair: TensorPair) -> bool:
        """Whether a pair is gate, up or down of a tested block; a new block closes the one before it."""
        place = pair.place
        if self._basis is None or place.component != self._component or place.layer is None:
            return False
        if place.role not in FFN_ROLES or place.slot or (place.expert or 0) >= ROUTED_EXPERTS:
            return False
        if pair.first is None or pair.second is None or not self._fits(pair):
            return False
        at = (pair.first.place.block, pair.second.place.block)
        if at != self._at:
            self._close()
            self._at, self._pair = at, pair
        return True

    def _fits(self, pair: TensorPair) -> bool:
        """Whether both matrices have the dimensions of the basis on the side of the residual stream."""
        assert self._basis is not None and pair.first is not None and pair.second is not None
        axis = 0 if pair.place.role == "down" else 1
        return all(
            len(named.tensor.shape) == 2 and chosen.max(initial=0) < named.tensor.shape[axis]
            for named, chosen in ((pair.first, self._basis.first), (pair.second, self._basis.second))
        )

    def _dimensions(self, side: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        assert self._basis is not None
        if side == 0:
            return self._basis.first, np.ones(len(self._basis.first), np.float32)
        return self._basis.second, self._basis.signs

    def add(self, pair: TensorPair, side: int, start: int, block: _Part) -> None:
        """Keep the chosen dimensions of the next rows [rows, in]: columns of gate and up, rows of down, ascending."""
        chosen, signs = self._dimensions(side)
        parts = self._parts.setdefault((pair.place.role, side), [])
        if pair.place.role != "down":
            parts.append(finite(block[:, chosen] * signs))
            return
        here = np.flatnonzero((chosen >= start) & (chosen < start + len(block)))
        here = here[np.argsort(chosen[here])]
        parts.append(finite(block[chosen[here] - start] * signs[here][:, None]))

    def _neurons(self, side: int) -> Neurons | None:
        """The two views of the layer that was read; None where a matrix is missing."""
        views = ("gate", "up") if ("gate", side) in self._parts else ("up", "down")
        found = []
        for role in views:
            parts = self._parts.get((role, side))
            if not parts:
                return None
            rows = np.concatenate(parts)
            if role == "down":
                rank = np.argsort(np.argsort(self._dimensions(side)[0]))
                rows = np.ascontiguousarray(rows[rank].T)
            found.append(rows)
        self._views = views
        return Neurons(found[0], found[1]) if len(found[0]) == len(found[1]) else None

    def _close(self) -> None:
        """Test the block that is complete, and beside it the first model's against the second's block before."""
        pair, self._pair = self._pair, None
        if pair is None:
            return
        first, second = self._neurons(0), self._neurons(1)
        self._parts = {}
        if first is None or second is None:
            return
        if (match := match_neurons(first, second)) is not None:
            self._layers.append(_layer(pair, match))
        if self._before is not None and (control := match_neurons(first, self._before)) is not None:
            self._controls.append(control.log_p)
        self._before = second

    def result(self) -> NeuronTest:
        """The test over all blocks that were seen."""
        self._close()
        if self._basis is None or not self._layers:
            reason = NO_BASIS if self._basis is None else "no feed-forward matrices of both that fit each other"
            return NeuronTest(None, None, None, None, (), READING, reason)
        return NeuronTest(
            log10_p=fisher(np.array([row.log10_p * LOG10 for row in self._layers])) / LOG10,
            control_log10_p=fisher(np.array(self._controls)) / LOG10 if self._controls else None,
            basis=self._basis.kind,
            views=self._views,
            layers=tuple(self._layers),
            reading=READING,
            reason=None,
        )


def _layer(pair: TensorPair, match: NeuronMatch) -> NeuronLayer:
    assert pair.first is not None and pair.second is not None
    first, second = pair.first.place, pair.second.place
    assert first.layer is not None and second.layer is not None
    return NeuronLayer(
        layer_first=first.layer,
        expert_first=first.expert,
        layer_second=second.layer,
        expert_second=second.expert,
        neurons=match.neurons,
        correlation=match.correlation,
        agreement=match.agreement,
        log10_p=match.log_p / LOG10,
    )
