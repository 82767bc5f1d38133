"""The test of q and k over all layers of two models by unbiased CKA, as AWM has it, against permuted alignments.

With equal numbers for equal dimensions its p-value is exact (`cka.permutation_test`). After an assignment on the
embeddings there is none: whatever the two embeddings share (which unrelated models of one corpus do) goes into the
alignment, and no permutation has that in its null. All 66 pairs of twelve unrelated models lay beyond every permuted
alignment. There the mean CKA stands beside that between layers that do not belong together, under the same alignment,
as context.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...statistics.cka import Kernel, all_pairs, null_deviation, permutation_test
from ...statistics.residual_alignment import NO_BASIS, Basis
from ...thresholds.comparison import CKA_FEWEST, CKA_PERMUTATIONS
from .pairing import TensorPair

READING = (
    "Equal numbers were taken for equal dimensions. Unbiased CKA of q and of k is then 0 on average for independent"
    " models, and p, the share of random permutations of the dimensions that reach the sum over all layers, is exact:"
    " one-sided, never below 1 / (permutations + 1). A small p says that the two share the start of their training or"
    " more; which of the two it does not say."
)
AFTER_ASSIGNMENT = (
    "The dimensions were matched by the embeddings, so there is no p-value: a null of permuted alignments would leave"
    " out what the embeddings share. What it can say: a CKA near 1, far above that between layers that do not belong"
    " together, is that of one attention in two bases. What it cannot: a small excess is no evidence; models that share"
    " an embedding and nothing else have one. The verdict does not use it."
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
    matched on embeddings. `mean_apart` is the mean CKA between layers that were not paired, NaN with one layer.
    `log10_p` and `z` are None after an assignment, which has no honest null (`reading` says why), and where there is
    nothing to test, for the `reason`.
    """

    log10_p: float | None
    z: float | None
    mean_cka: float | None
    mean_apart: float | None
    basis: str | None
    dimensions: int
    permutations: int
    layers: tuple[AttentionLayer, ...]
    reading: str
    reason: str | None

    @property
    def floor(self) -> float:
        """The smallest log10 p that so many permutations can give."""
        return -math.log10(self.permutations + 1)


class AttentionCollector:
    """Keeps one small kernel of every q and k of both models."""

    def __init__(self, basis: Basis | None, component: str, *, permutations: int = CKA_PERMUTATIONS) -> None:
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
        """The next rows, float32 [rows, in], of one side of the pair that is open."""
        assert self._open is not None
        _, first, second = self._open
        (second if side else first).add(block)

    def _close(self) -> None:
        if self._open is not None:
            pair, first, second = self._open[0], self._open[1].centred(), self._open[2].centred()
            if first is not None and second is not None:
                self._done.append((pair, first, second))
        self._open = None

    def result(self) -> AttentionTest:
        """The test over all layers that were seen."""
        self._close()
        if self._basis is None or not self._done or len(self._basis.first) < CKA_FEWEST:
            reason = NO_BASIS if self._basis is None else "no q or k of both that fit each other"
            return AttentionTest(None, None, None, None, None, 0, self._permutations, (), READING, reason)
        first, second = np.stack([one[1] for one in self._done]), np.stack([one[2] for one in self._done])
        ckas = all_pairs(first, second)
        matched, exact = np.diagonal(ckas), self._basis.kind == "identity"
        test = permutation_test(first, second, permutations=self._permutations) if exact else None
        dimensions = len(self._basis.first)
        return AttentionTest(
            log10_p=math.log10(test.p) if test else None,
            z=test.z if test else None,
            mean_cka=float(matched.mean()),
            mean_apart=_apart(ckas, [pair for pair, *_ in self._done]),
            basis=self._basis.kind,
            dimensions=dimensions,
            permutations=test.permutations if test else 0,
            layers=tuple(
                _layer(pair, cka, dimensions) for (pair, *_), cka in zip(self._done, matched.tolist(), strict=True)
            ),
            reading=READING if exact else AFTER_ASSIGNMENT,
            reason=None,
        )


def _apart(ckas: NDArray[np.float64], pairs: Sequence[TensorPair]) -> float:
    """The mean over matrices of one role in different layers; NaN where there are none."""
    roles = np.array([pair.place.role for pair in pairs])
    apart = (roles[:, None] == roles) & ~np.eye(len(pairs), dtype=np.bool_)
    return float(ckas[apart].mean()) if apart.any() else math.nan


def _layer(pair: TensorPair, cka: float, dimensions: int) -> AttentionLayer:
    assert pair.first is not None and pair.second is not None
    first, second = pair.first.place, pair.second.place
    assert first.layer is not None and second.layer is not None
    return AttentionLayer(first.layer, second.layer, first.role, cka, cka / null_deviation(dimensions))
