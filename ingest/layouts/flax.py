"""Matrices and kernels as Flax keeps them, in the shapes that torch has.

| kept as                                              | is elsewhere                                   |
| `query`, `key`, `value`: kernels [in, heads, size]   | [in, heads x size], then turned                |
| `out`: kernel [heads, size, out]                     | [heads x size, out], then turned               |
| biases [heads, size]                                 | vectors                                        |
| kernels of convolutions [height, width, in, out]     | [out, in, height, width]                       |
| `encoderblock.X` [layers, ...]: a scan over layers   | `encoderblock_0.X`, `encoderblock_1.X`, ...    |

Sources: flax.linen `MultiHeadDotProductAttention`, `Conv` and `scan`; big_vision `models/vit.py`.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from ..budget import TENSORS, charge
from ..storage.logical import LogicalTensor, RowMajor
from ..storage.views import ColumnsOf, Strides, transposed
from ..text import printable

MOST_LAYERS = 4096
KERNEL = re.compile(r"[./]kernel$")
"""How Flax and Keras call the matrix of a dense layer, [in, out]; torch has no such name for matrices."""
_HEADS = re.compile(r"(?:^|[./])(?P<part>query|key|value|out|attention_output)[./](?P<kind>kernel|bias)$")
_SCANNED = re.compile(r"(?P<stack>(?:[^./]{1,80}[./]){0,8}?encoderblock)(?P<rest>[./].+)")
_OUTPUTS = ("out", "attention_output")


def apart(tensors: Sequence[LogicalTensor]) -> list[LogicalTensor]:
    """Every tensor, those of scanned layers as one a layer, where all of a stack have as many of them."""
    stacks: dict[str, list[LogicalTensor]] = defaultdict(list)
    for tensor in tensors:
        if (found := _SCANNED.fullmatch(tensor.name)) is not None:
            stacks[found["stack"]].append(tensor)
    whole = {stack for stack, found in stacks.items() if not _layers(found)}
    made: list[LogicalTensor] = []
    for tensor in tensors:
        found = _SCANNED.fullmatch(tensor.name)
        made += [tensor] if found is None or found["stack"] in whole else _each(tensor, found["stack"], found["rest"])
    return made


def _layers(tensors: Sequence[LogicalTensor]) -> int:
    """How many layers all of the tensors have in common; 0 where they do not, or cannot be taken apart."""
    counts = {t.shape[0] if len(t.shape) > 1 else 0 for t in tensors}
    count = counts.pop()
    plain = all(isinstance(t.storage, RowMajor) and t.parameters for t in tensors)
    return count if not counts and plain and count <= MOST_LAYERS else 0


def _each(tensor: LogicalTensor, stack: str, rest: str) -> list[LogicalTensor]:
    shape, storage = tensor.shape[1:], tensor.storage
    assert isinstance(storage, RowMajor)
    size = math.prod(shape)
    columns = math.prod(shape[1:]) if len(shape) > 1 else size
    charge(TENSORS, tensor.shape[0], printable(tensor.name, 80))
    views = [storage.cut(number * size, columns) for number in range(tensor.shape[0])]
    return [
        replace(tensor, name=f"{stack}_{number}{rest}", shape=shape, storage=view)
        for number, view in enumerate(views)
        if view is not None
    ]


def with_whole_heads(tensors: Sequence[LogicalTensor]) -> list[LogicalTensor]:
    """Every tensor, those of attention whose heads have an axis of their own as matrices and vectors."""
    return [_whole(t) for t in tensors]


def _whole(tensor: LogicalTensor) -> LogicalTensor:
    shape, storage = tensor.shape, tensor.storage
    found = _HEADS.search(tensor.name)
    if found is None or not isinstance(storage, RowMajor) or len(shape) != (3 if found["kind"] == "kernel" else 2):
        return tensor
    if found["kind"] == "bias":
        flat: tuple[int, ...] = (tensor.parameters,)
    elif found["part"] in _OUTPUTS:
        flat = (shape[0] * shape[1], shape[2])
    else:
        flat = (shape[0], shape[1] * shape[2])
    return replace(tensor, shape=flat, storage=replace(storage, columns=flat[-1]))


def turned(tensor: LogicalTensor) -> LogicalTensor | None:
    """A matrix [in, out] as [out, in], a kernel [height, width, in, out] as [out, in, height, width]; else None."""
    *inner, outputs = tensor.shape
    view = transposed(tensor.storage, math.prod(inner), outputs)
    if view is None or len(inner) not in (1, 3):
        return None
    if len(inner) == 1:
        return replace(tensor, shape=(outputs, *inner), storage=view)
    height, width, inputs = inner
    order = Strides(0, (inputs, height * width), (1, inputs))
    return replace(tensor, shape=(outputs, inputs, height, width), storage=ColumnsOf(view, order))
