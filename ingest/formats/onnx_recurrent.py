"""Weights of LSTM, GRU and RNN nodes as torch has them: two matrices and two biases a layer and direction.

ONNX stacks directions, joins both biases, and has the gates in another order: i o f c for LSTM where torch has i f g o,
z r h for GRU where torch has r z n. onnxruntime's dynamic quantiser stores the matrices transposed.

Source: onnx/docs/Operators.md (LSTM, GRU, RNN); torch.nn.LSTM, torch.nn.GRU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..storage.logical import Storage
from ..storage.reader import Range
from .onnx_graph import Initializer
from .onnx_uses import Use

ORDERS = {"LSTM": (0, 2, 3, 1), "DynamicQuantizeLSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""Which stored gate stands at each place of torch's order."""


@dataclass(frozen=True, slots=True)
class Gates:
    """Rows, or the values of a bias, that stand in blocks of `size`, one a gate, in the order of `order`."""

    storage: Storage
    size: int
    order: tuple[int, ...]
    by_row: bool

    def _places(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        wanted = np.asarray(numbers, np.int64)
        return np.asarray(self.order, np.int64)[wanted // self.size] * self.size + wanted % self.size

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the stored rows, ascending."""
        return self.storage.ranges(np.unique(self._places(rows)).tolist() if self.by_row else rows)

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), in]."""
        if not self.by_row:
            return self.storage.decode(rows, chunks)[:, self._places(range(self.size * len(self.order)))]
        stored, place = np.unique(self._places(rows), return_inverse=True)
        return self.storage.decode(stored.tolist(), chunks)[place]


@dataclass(frozen=True, slots=True)
class RecurrentPart:
    """One tensor of torch's in an initialiser: its first value, its shape, and whether it is stored as [in, out]."""

    suffix: str
    direction: int
    first: int
    shape: tuple[int, ...]
    turned: bool

    def gates(self, storage: Storage, op: str) -> Storage:
        """The storage with the gates in torch's order."""
        order = ORDERS[op]
        return Gates(storage, self.shape[0] // len(order), order, len(self.shape) > 1) if len(order) > 1 else storage


def recurrent_parts(one: Initializer, use: Use) -> list[RecurrentPart]:
    """The tensors in an initialiser of a recurrent node; empty where its shape is not that of its place."""
    op, place, shape = use.node.op, use.place, one.shape
    gates, quantised = len(ORDERS[op]), op == "DynamicQuantizeLSTM"
    if place in (1, 2) and len(shape) == 3 and shape[0] in (1, 2):
        directions, rows, columns = (shape[0], shape[2], shape[1]) if quantised else shape
        if rows % gates == 0 and rows and columns:
            stem = "weight_ih" if place == 1 else "weight_hh"
            return [RecurrentPart(stem, d, d * rows * columns, (rows, columns), quantised) for d in range(directions)]
    if place == 3 and len(shape) == 2 and shape[0] in (1, 2) and shape[1] and shape[1] % (2 * gates) == 0:
        rows = shape[1] // 2
        return [
            RecurrentPart(("bias_ih", "bias_hh")[half], d, (2 * d + half) * rows, (rows,), False)
            for d in range(shape[0])
            for half in range(2)
        ]
    return []
