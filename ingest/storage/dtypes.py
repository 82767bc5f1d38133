"""The element types of stored tensors, and their values as float32."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

BITS = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip
"""Bits an element, for every dtype of safetensors 0.8."""

QUANTISED = frozenset({
    "Q1_0", "Q2_K", "Q3_K", "Q4_0", "Q4_1", "Q4_K", "Q5_0", "Q5_1", "Q5_K", "Q6_K", "Q8_0", "Q8_1", "Q8_K",
    "IQ1_M", "IQ1_S", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ3_S", "IQ3_XXS", "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0",
    "MXFP4", "NVFP4", "FP8", "NF4", "FP4", "INT2", "INT3", "INT4", "INT5", "INT6", "INT8",
})  # fmt: skip
"""Types whose values are made from codes and scales by the storage of their format."""

FLOATS = frozenset(d for d in BITS if d[0] in "FB" and d != "BOOL") | QUANTISED
"""Types that can hold trained weights. Integers are packed weights or buffers; what they mean is their format's."""

UNDECODABLE = frozenset({"F6_E2M3", "F6_E3M2", "C64"})
"""Types whose packing in a safetensors file is not specified, or that are not real numbers."""

_NUMPY = {
    "BOOL": "u1", "U8": "u1", "I8": "i1", "I16": "<i2", "U16": "<u2", "F16": "<f2", "I32": "<i4", "U32": "<u4",
    "F32": "<f4", "F64": "<f8", "I64": "<i8", "U64": "<u8",
}  # fmt: skip
_ML_DTYPES = {
    "BF16": "bfloat16", "F8_E5M2": "float8_e5m2", "F8_E4M3": "float8_e4m3fn", "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz", "F4": "float4_e2m1fn",
}  # fmt: skip


@cache
def _ml_dtype(name: str) -> np.dtype[Any]:
    import ml_dtypes

    return np.dtype(getattr(ml_dtypes, _ML_DTYPES[name]))


def nbytes(dtype: str, elements: int) -> int:
    """Bytes of `elements` values of `dtype`, the last byte rounded up for types below 8 bits."""
    return -(-BITS[dtype] * elements // 8)


def decode(data: bytes, dtype: str) -> NDArray[np.float32]:
    """The float32 values [n] of little-endian `data`; F4 holds two values a byte, the low half first.

    Exact for every type of at most 24 bits of mantissa; larger ones are rounded, beyond float32 to infinity.
    """
    raw = np.frombuffer(data, np.uint8)
    if dtype == "F4":
        raw = np.stack((raw & 15, raw >> 4), axis=1).ravel()
    with np.errstate(over="ignore", invalid="ignore"):
        return raw.view(_NUMPY.get(dtype) or _ml_dtype(dtype)).astype(np.float32)
