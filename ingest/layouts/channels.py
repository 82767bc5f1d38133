"""Kernels of MLX, which has what a convolution reads in the last axis, with it behind the outputs.

Patches of an image, by their colours, and the convolutions of mixers, by their one input.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from ..storage.logical import LogicalTensor
from ..storage.views import ColumnsOf, Strides

_PATCHES = re.compile(r"(?:^|\.)(?:patch_embed(?:ding|dings)?(?:\.(?:proj|projection))?|patch_conv)\.weight$")
_MIXERS = re.compile(r"(?:^|\.)(?:(?:mixer|mamba|linear_attn)\.conv1d|conv\.conv)\.weight$")
_COLOURS = 3


def with_colours_first(tensors: Sequence[LogicalTensor]) -> list[LogicalTensor]:
    """Kernels [out, height, width, 3] as [out, 3, height, width], and [out, time, height, width, 3] likewise.

    So are [n, width, 1] as [n, 1, width], where each output has an input of its own, as in Mamba.
    A kernel is as wide as it is high, and wider than there are colours, so that no other order has such a shape.
    """
    return [_with_channels_first(t) for t in tensors]


def _with_channels_first(tensor: LogicalTensor) -> LogicalTensor:
    shape = tensor.shape
    if _PATCHES.search(tensor.name) and _colours_last(shape):
        return _turned(tensor)
    if len(shape) == 3 and shape[2] == 1 < shape[1] and _MIXERS.search(tensor.name):
        return replace(tensor, shape=(shape[0], 1, shape[1]))
    return tensor


def _colours_last(shape: tuple[int, ...]) -> bool:
    return len(shape) in (4, 5) and shape[-1] == _COLOURS < shape[-2] == shape[-3]


def _turned(tensor: LogicalTensor) -> LogicalTensor:
    out, *size, colours = tensor.shape
    places = math.prod(size)
    view = ColumnsOf(tensor.storage, Strides(0, (colours, places), (1, colours)))
    return replace(tensor, shape=(out, colours, *size), storage=view)
