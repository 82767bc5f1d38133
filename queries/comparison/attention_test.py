"""The test of q and k over all layers of two models by unbiased CKA, as AWM has it, against permuted alignments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..tails import LOG10
from .cka import PERMUTATIONS, Kernel, PermutationTest, null_deviation, permutation_test
from .combination import best_of
from .pairing import TensorPair
from .residual_alignment import Basis
from .whole_metrics import finite

READING = (
    "Unbiased CKA of q and of k is 0 on average for independent models. p is the share of random permutations of the"
    " alignment that reach the sum over all layers, one-sided, so it is never below 1 / (permutations + 1); z says how far"
    " beyond them the sum lies."
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
    """All layers together; the better of the bases (`identity`: equal numbers of dimensions; `assignment`: matched on
    embeddings), corrected for the choice. `log10_p` and `z` are None where there is nothing to test, for the `reason`."""

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
    """Keeps one small kernel of every q and k of both models for each basis."""

    def __init__(self, bases: Sequence[Basis], component: str, *, permutations: int = PERMUTATIONS) -> None:
        self._bases, self._component, self._permutations = bases, component, permutations
        self._pairs: list[TensorPair] = []
        self._open: dict[tuple[int, int], Kernel] = {}
        self._done: list[list[tuple[TensorPair, NDArray[np.float32], NDArray[np.float32]]]] = [[] for _ in bases]

    def wants(self, pair: TensorPair) -> bool:
        """Whether a pair is a q or a k of a layer; closes the one before it."""
        place = pair.place
        if place.component != self._component or place.role not in {"q", "k"} or place.slot or place.layer is None:
            return False
        if pair.first is None or pair.second is None or not self._fits(pair):
            return False
        self._close()
        self._pairs.append(pair)
        for number, basis in enumerate(self._bases):
            self._open[0, number] = Kernel(basis.first, np.ones(len(basis.first), np.float32))
            self._open[1, number] = Kernel(basis.second, basis.signs)
        return True

    def _fits(self, pair: TensorPair) -> bool:
        assert pair.first is not None and pair.second is not None
        widths = pair.first.tensor.matrix[1], pair.second.tensor.matrix[1]
        return all(b.first.max(initial=0) < widths[0] and b.second.max(initial=0) < widths[1] for b in self._bases)

    def add(self, pair: TensorPair, side: int, start: int, block: NDArray[np.float32]) -> None:
        """The next rows of one side."""
        clean = finite(block)
        for number in range(len(self._bases)):
            self._open[side, number].add(clean)

    def _close(self) -> None:
        for number in range(len(self._bases) if self._open else 0):
            first, second = (self._open[side, number].centred() for side in (0, 1))
            if first is not None and second is not None:
                self._done[number].append((self._pairs[-1], first, second))
        self._open = {}

    def result(self) -> AttentionTest:
        """The test over all layers that were seen."""
        self._close()
        tests: list[tuple[int, PermutationTest]] = []
        for number, done in enumerate(self._done):
            if done:
                stacks = [np.stack([kernels[side] for _, *kernels in done]) for side in (0, 1)]
                if (found := permutation_test(stacks[0], stacks[1], permutations=self._permutations)) is not None:
                    tests.append((number, found))
        if not tests:
            reason = "no dimension of the two is known to be the same" if not self._bases else "no q or k in both"
            return AttentionTest(None, None, None, None, 0, self._permutations, (), READING, reason)
        _, log_p = best_of([math.log(test.p) for _, test in tests])
        number, test = min(tests, key=lambda one: (one[1].p, -one[1].z))
        dimensions = len(self._bases[number].first)
        return AttentionTest(
            log10_p=log_p / LOG10,
            z=test.z,
            mean_cka=float(np.mean(test.ckas)),
            basis=self._bases[number].kind,
            dimensions=dimensions,
            permutations=test.permutations,
            layers=tuple(
                _layer(pair, cka, dimensions) for (pair, *_), cka in zip(self._done[number], test.ckas, strict=True)
            ),
            reading=READING,
            reason=None,
        )


def _layer(pair: TensorPair, cka: float, dimensions: int) -> AttentionLayer:
    assert pair.first is not None and pair.second is not None
    first, second = pair.first.place, pair.second.place
    return AttentionLayer(
        layer_first=first.layer if first.layer is not None else -1,
        layer_second=second.layer if second.layer is not None else -1,
        role=first.role,
        cka=cka,
        z=cka / null_deviation(dimensions),
    )
