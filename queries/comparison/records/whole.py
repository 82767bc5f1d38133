"""What whole weights say of two models: frozen records, which stand in the document of a comparison as `full`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...statistics.metrics import Metrics
from ...statistics.residual_alignment import Assignment
from ..whole.attention import AttentionTest
from ..whole.neurons import NeuronTest
from .neurons import NeuronComparison

if TYPE_CHECKING:
    from ....ingest.reading.digest import TensorDigest


@dataclass(frozen=True, slots=True)
class TensorComparison:
    """Two matched tensors, value by value. `context` marks norm gains and biases, which are never evidence.

    `values_equal` and `bytes_equal` compare the digests; the latter is None where the file has no bytes of its own for
    one of them.
    """

    component: str
    role: str
    slot: str
    layer_first: int | None
    expert_first: int | None
    layer_second: int | None
    expert_second: int | None
    tensor_first: str
    tensor_second: str
    context: bool
    parameters: int
    values_equal: bool
    bytes_equal: bool | None
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Uncompared:
    """A tensor that was read without a counterpart, or not read; and why. `model` is `A` or `B`."""

    model: str
    name: str
    parameters: int
    reason: str


@dataclass(frozen=True, slots=True)
class FullComparison:
    """What whole weights say.

    `p99_error` bounds the relative error of p99_abs_difference of tensors over a million
    values; every other figure is exact. A test that could not be made has its reason instead of figures.
    `activations` is of all neurons of all matched layers, None where the models share no characters, or too few layers
    for a null.
    """

    digests_a: tuple[TensorDigest, ...]
    digests_b: tuple[TensorDigest, ...]
    tensors: tuple[TensorComparison, ...]
    uncompared: tuple[Uncompared, ...]
    equal_tensors: int
    equal_share: float
    p99_error: float
    component: str
    alignment: Assignment | None
    alignment_reason: str | None
    neurons: NeuronTest
    attention: AttentionTest
    bytes_read: int
    notes: tuple[str, ...]
    activations: NeuronComparison | None = None
