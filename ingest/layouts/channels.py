"""Kernels that cut an image into patches, whose colours come last in the files of MLX, with them behind the outputs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from ..storage.logical import LogicalTensor
from ..storage.views import ColumnsOf, Strides

_PATCHES = re.compile(r"(?:^|\.)(?:patch_embed(?:ding|dings)?(?:\.(?:proj|projection))?|patch_conv)\.weight$")
_COLOURS = 3


def with_colours_first(tensors: Sequence[LogicalTensor]) -> list[LogicalTensor]:
    """Kernels [out, height, width, 3] as [out, 3, height, width], and [out, time, height, width, 3] likewise.

    A kernel is as wide as it is high, and wider than there are colours, so that no other order has such a shape.
    """
    return [_turned(t) if _PATCHES.search(t.name) and _colours_last(t.shape) else t for t in tensors]


def _colours_last(shape: tuple[int, ...]) -> bool:
    return len(shape) in (4, 5) and shape[-1] == _COLOURS < shape[-2] == shape[-3]


def _turned(tensor: LogicalTensor) -> LogicalTensor:
    out, *size, colours = tensor.shape
    places = math.prod(size)
    view = ColumnsOf(tensor.storage, Strides(0, (colours, places), (1, colours)))
    return replace(tensor, shape=(out, colours, *size), storage=view)
