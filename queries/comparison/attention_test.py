"""The test of q and k over all layers of two models by unbiased CKA, as AWM has it, against permuted alignments."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cka import PERMUTATIONS, Kernel, null_deviation, permutation_test
from .pairing import TensorPair
from .residual_alignment import NO_BASIS, Basis
from .whole_metrics import finite

READING = (
    "Unbiased CKA of q and of k is 0 on average for independent models. p is the share of random permutations of the"
    " alignment that reach the sum over all layers, one-sided, so it is never below 1 / (permutations + 1); z says how"
    " far beyond them the sum lies."
)


@dataclass(frozen=True, slots=True)
class AttentionLayer:
    """Unbiased CKA of one matrix of two layers, and its distance from 0 in exact standard deviations of the null."""

    layer_first: int
    layer_second: int
    role: str
    cka: float
    z: float


@dataclass(frozen=True, slots=True)
class AttentionTest:
    """All layers together.

    `basis` says what dimensions were taken for the same: `identity`, those of equal numbers, or `assignment`, as
    matched on embeddings. `log10_p` and `z` are None where there is nothing to test, for the `reason`.
    """

    log10_p: float | None
    z: float | None
    mean_cka: float | None
    basis: str | None
    dimensions: int
    permutations: int
    layers: tuple[AttentionLayer, ...]
    reading: str
    reason: str | None


class AttentionCollector:
    """Keeps one small kernel of every q and k of both models."""

    def __init__(self, basis: Basis | None, component: str, *, permutations: int = PERMUTATIONS) -> None:
        self._basis, self._component, self._permutations = basis, component, permutations
        self._open: tuple[TensorPair, Kernel, Kernel] | None = None
        self._done: list[tuple[TensorPair, NDArray[np.float32], NDArray[np.float32]]] = []

    def wants(self, pair: TensorPair) -> bool:
        """Whether a pair is a q or a k of a layer; closes the one before it."""
        place, basis = pair.place, self._basis
        if basis is None or place.component != self._component or place.layer is None:
            return False
        if place.role not in {"q", "k"} or place.slot or pair.first is None or pair.second is None:
            return False
        widths = pair.first.tensor.matrix[1], pair.second.tensor.matrix[1]
        if basis.first.max(initial=0) >= widths[0] or basis.second.max(initial=0) >= widths[1]:
            return False
        self._close()
        ones = np.ones(len(basis.first), np.float32)
        self._open = pair, Kernel(basis.first, ones), Kernel(basis.second, basis.signs)
        return True

    def add(self, pair: TensorPair, side: int, start: int, block: NDArray[np.float32]) -> None:
        """The next rows of one side of the pair that is open."""
        assert self._open is not None
        _, first, second = self._open
        (second if side else first).add(finite(block))

    def _close(self) -> None:
        if self._open is not None:
            pair, first, second = self._open[0], self._open[1].centred(), self._open[2].centred()
            if first is not None and second is not None:
                self._done.append((pair, first, second))
        self._open = None

    def result(self) -> AttentionTest:
        """The test over all layers that were seen."""
        self._close()
        test = None
        if self._basis is not None and self._done:
            first, second = np.stack([one[1] for one in self._done]), np.stack([one[2] for one in self._done])
            test = permutation_test(first, second, permutations=self._permutations)
        if self._basis is None or test is None:
            reason = NO_BASIS if self._basis is None else "no q or k of both that fit each other"
            return AttentionTest(None, None, None, None, 0, self._permutations, (), READING, reason)
        dimensions = len(self._basis.first)
        return AttentionTest(
            log10_p=math.log10(test.p),
            z=test.z,
            mean_cka=float(np.mean(test.ckas)),
            basis=self._basis.kind,
            dimensions=dimensions,
            permutations=test.permutations,
            layers=tuple(_layer(pair, cka, dimensions) for (pair, *_), cka in zip(self._done, test.ckas, strict=True)),
            reading=READING,
            reason=None,
        )


def _layer(pair: TensorPair, cka: float, dimensions: int) -> AttentionLayer:
    assert pair.first is not None and pair.second is not None
    first, second = pair.first.place, pair.second.place
    assert first.layer is not None and second.layer is not None
    return AttentionLayer(first.layer, second.layer, first.role, cka, cka / null_deviation(dimensions))
