"""What is done to single tensors of a framework, whatever stands beside them: turned, cut, and put in another order.

Each gives the tensor as it is where its shape or its storage does not fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ..budget import TENSORS, charge
from ..storage.logical import LogicalTensor, RowMajor
from ..storage.views import ColumnsOf, RowsOf, Stack, Strides, alternating, groups, transposed
from ..text import printable

MOST_EXPERTS = 4096


def cut_rows(tensor: LogicalTensor, names: Sequence[str], cuts: Sequence[Strides]) -> list[LogicalTensor]:
    """The rows `cuts` of a matrix, or of a bias, each as a tensor of its own."""
    view = RowsOf if len(tensor.shape) > 1 else ColumnsOf
    return [
        replace(tensor, name=name, shape=(cut.count, *tensor.shape[1:]), storage=view(tensor.storage, cut))
        for name, cut in zip(names, cuts, strict=True)
    ]


def turned(tensor: LogicalTensor, name: str, between: tuple[int, ...]) -> LogicalTensor:
    """A matrix [in, out] as [out, in], with axes of 1 `between` them."""
    view = transposed(tensor.storage, *tensor.shape) if len(tensor.shape) == 2 else None
    if view is None:
        return tensor
    return replace(tensor, name=name, shape=(tensor.shape[1], *between, tensor.shape[0]), storage=view)


def dense(tensor: LogicalTensor, name: str, inputs: int) -> LogicalTensor:
    """The transpose of a matrix whose first `inputs` axes are those of what goes in."""
    high, wide = math.prod(tensor.shape[:inputs]), math.prod(tensor.shape[inputs:])
    view = transposed(tensor.storage, high, wide) if tensor.parameters else None
    return tensor if view is None else replace(tensor, name=name, shape=(wide, high), storage=view)


def below(tensor: LogicalTensor, name: str) -> LogicalTensor:
    """Matrices [n, out, in] one below another."""
    count, high, wide = tensor.shape
    view = tensor.storage.cut(0, wide) if isinstance(tensor.storage, Stack) and tensor.parameters else None
    return tensor if view is None else replace(tensor, name=name, shape=(count * high, wide), storage=view)


def flat(tensor: LogicalTensor, name: str) -> LogicalTensor:
    """A tensor of one long axis as a vector."""
    storage = tensor.storage
    if not isinstance(storage, RowMajor):
        return tensor
    whole = replace(storage, columns=tensor.parameters)
    return replace(tensor, name=name, shape=(tensor.parameters,), storage=whole)


def pointwise(tensor: LogicalTensor, name: str) -> LogicalTensor:
    """A convolution [out, in, 1] as the matrix [out, in]."""
    return replace(tensor, name=name, shape=tensor.shape[:2]) if tensor.shape[2] == 1 else tensor


def kernel_last(tensor: LogicalTensor, name: str) -> LogicalTensor:
    """[out, width, in] as [out, in, width], where the width is below the inputs; any other shape is so already."""
    out, width, inputs = tensor.shape
    if width >= inputs:
        return replace(tensor, name=name)
    view = ColumnsOf(tensor.storage, Strides(0, (inputs, width), (1, inputs)))
    return replace(tensor, name=name, shape=(out, inputs, width), storage=view)


def halves_of_experts(tensor: LogicalTensor, name: str, order: str) -> list[LogicalTensor]:
    """[experts, rows, in] and [experts, rows] as two tensors an expert: gate and up in turns, or up, then gate."""
    storage, shape = tensor.storage, tensor.shape
    if len(shape) not in (2, 3) or not 0 < shape[0] <= MOST_EXPERTS or shape[1] % 2 or not isinstance(storage, Stack):
        return [tensor]
    charge(TENSORS, 2 * shape[0], printable(tensor.name, 80))
    parts, cuts = ("gate", "up"), alternating(2, shape[1])
    if order == "up_gate":
        parts, cuts = ("up", "gate"), groups((shape[1] // 2,) * 2, 1)
    found: list[LogicalTensor] = []
    for number in range(shape[0]):
        view = storage.cut(number * (tensor.parameters // shape[0]), shape[-1])
        if view is None:
            return [tensor]
        names = [name.replace("@", str(number)).replace("?", part) for part in parts]
        found += cut_rows(replace(tensor, shape=shape[1:], storage=view), names, cuts)
    return found


def gate_and_up(tensor: LogicalTensor, name: str) -> list[LogicalTensor]:
    """[2, in, out] as two matrices [out, in], [2, 1, 1, out] as two vectors."""
    shape, storage = tensor.shape, tensor.storage
    vectors = len(shape) == 4 and shape[1:3] == (1, 1)
    if shape[:1] != (2,) or not (len(shape) == 3 or vectors) or not isinstance(storage, RowMajor):
        return [tensor]
    inputs, outputs = shape[-2:]
    starts = (0, inputs * outputs)
    views = [storage.cut(n, outputs) if vectors else transposed(storage, inputs, outputs, n) for n in starts]
    made = [
        replace(tensor, name=name.replace("?", part), shape=(outputs,) if vectors else (outputs, inputs), storage=view)
        for part, view in zip(("gate", "up"), views, strict=True)
        if view is not None
    ]
    return made if len(made) == len(views) else [tensor]


def unfolded(tensor: LogicalTensor, name: str) -> LogicalTensor:
    """Columns of four neighbours, one neighbour after another: (0, 0), (1, 0), (0, 1), (1, 1) of each in the file."""
    if not tensor.parameters or tensor.shape[-1] % 4:
        return tensor
    places = Strides(0, (2, 2, tensor.shape[-1] // 4), (1, 2, 4))
    return replace(tensor, name=name, storage=ColumnsOf(tensor.storage, places))
