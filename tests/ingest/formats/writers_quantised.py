"""Models of the zoo with their matrices as codes and scales, in the ways that safetensors files keep them."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from ...writers import Raw, raw
from .writers_fused import Floats, Tensors

LARGEST = 448.0  # of float8 e4m3


def fp8(
    tensors: Tensors, *, block: int = 0, per: str = "tensor", leaf: str = "weight_scale"
) -> dict[str, Raw | Floats]:
    """Matrices in layers as F8_E4M3 with a scale for the tensor, each row, or each block of `block` x `block`."""
    made: dict[str, Raw | Floats] = {}
    for name, values in tensors.items():
        if values.ndim != 2 or ".layers." not in name:
            made[name] = values
            continue
        scale = _largest(values, block, per) / LARGEST
        wide = np.repeat(np.repeat(scale, block, 0), block, 1)[: values.shape[0], : values.shape[1]] if block else scale
        codes = (values / wide).astype(ml_dtypes.float8_e4m3fn)
        made[name] = Raw("F8_E4M3", values.shape, codes.tobytes())
        shape: Any = scale.shape if scale.size > 1 else ()
        made[name.removesuffix("weight") + leaf] = raw(scale.reshape(shape).astype(np.float32))
    return made


def _largest(values: Floats, block: int, per: str) -> Floats:
    if per == "row":
        return np.abs(values).max(axis=1, keepdims=True)
    if not block:
        return np.abs(values).max(keepdims=True)
    rows, columns = (-(-n // block) for n in values.shape)
    padded = np.zeros((rows * block, columns * block), np.float32)
    padded[: values.shape[0], : values.shape[1]] = np.abs(values)
    return padded.reshape(rows, block, columns, block).max(axis=(1, 3))


def int8(tensors: Tensors) -> dict[str, Raw | Floats]:
    """Matrices in layers as bitsandbytes keeps them: int8 rows and the largest magnitude of each row in SCB."""
    made: dict[str, Raw | Floats] = {}
    for name, values in tensors.items():
        if values.ndim != 2 or ".layers." not in name:
            made[name] = values
            continue
        largest = np.abs(values).max(axis=1)
        codes = np.round(values / largest[:, None] * 127).astype(np.int8)
        made[name] = Raw("I8", values.shape, codes.tobytes())
        made[name.removesuffix("weight") + "SCB"] = largest.astype(np.float32)
    return made


E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)


def mxfp4(values: Floats) -> tuple[Raw, Raw]:
    """Blocks [..., groups, 16] and scales [..., groups] of an array [..., 32 x groups]."""
    groups = values.reshape(*values.shape[:-1], -1, 32)
    largest = np.maximum(np.abs(groups).max(axis=-1), 1e-30)
    power = np.floor(np.log2(largest)).astype(np.int32) - 2
    scaled = groups / np.exp2(power)[..., None]
    codes = np.abs(np.abs(scaled)[..., None] - E2M1).argmin(axis=-1).astype(np.uint8) | ((scaled < 0) << 3).astype(
        np.uint8
    )
    packed = codes[..., 0::2] | codes[..., 1::2] << 4
    return Raw("U8", packed.shape, packed.tobytes()), raw((power + 127).astype(np.uint8), "U8")
