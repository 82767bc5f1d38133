"""Models with their matrices packed to a few bits, as the programs that quantise write them to safetensors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from ...writers import Raw, raw
from .writers_fused import Floats, Tensors

Codes = NDArray[np.int64]
Packer = Callable[[str, Floats], dict[str, Raw | Floats]]

NF4 = np.array(
    [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
     -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
     0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0], np.float32)  # fmt: skip
_FP4 = np.array([0, 0.0625, 8, 12, 4, 6, 2, 3], np.float32) / 12
FP4 = np.concatenate((_FP4, -_FP4))
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)


def packed(tensors: Tensors, packer: Packer, *, embeddings: bool = False) -> dict[str, Raw | Floats]:
    """The model with its matrices in layers (and embeddings, if wanted) packed; the rest as it is."""
    made: dict[str, Raw | Floats] = {}
    for name, values in tensors.items():
        if values.ndim == 2 and (".layers." in name or embeddings):
            made |= packer(name.removesuffix(".weight"), values)
        else:
            made[name] = values
    return made


def stream(codes: Codes, bits: int) -> NDArray[np.uint32]:
    """Words [rows, n x bits / 32] of codes [rows, n], one after another from the lowest bit."""
    single = (codes[:, :, None] >> np.arange(bits) & 1).astype(np.uint8).reshape(len(codes), -1)
    single = np.pad(single, ((0, 0), (0, -single.shape[1] % 32)))
    return np.ascontiguousarray(np.packbits(single, axis=1, bitorder="little")).view(np.uint32)


def affine(
    values: Floats, bits: int, groups: NDArray[np.int64], *, symmetric: bool = False
) -> tuple[Codes, Codes, Floats]:
    """Codes [out, in], zero points and scales [out, groups] of the groups that inputs belong to."""
    count = int(groups.max()) + 1
    low = np.stack([values[:, groups == g].min(axis=1) for g in range(count)], axis=1).clip(max=0)
    high = np.stack([values[:, groups == g].max(axis=1) for g in range(count)], axis=1).clip(min=0)
    most = 2**bits - 1
    if symmetric:
        scales = 2 * np.maximum(-low, high) / most
        zeros = np.full(scales.shape, 2 ** (bits - 1))
    else:
        scales = (high - low) / most
        zeros = np.round(-low / scales).astype(int).clip(1, most)  # GPTQ cannot store 0
    scales = scales.astype(np.float16).astype(np.float32)
    codes = (np.round(values / scales[:, groups]) + zeros[:, groups]).clip(0, most).astype(int)
    return codes, zeros, scales


def gptq(
    *, bits: int = 4, group: int = 32, act_order: bool = False, second: bool = False, symmetric: bool = False
) -> Packer:
    def pack(stem: str, values: Floats) -> dict[str, Raw | Floats]:
        inputs = values.shape[1]
        groups = np.arange(inputs) // group
        if act_order:
            groups = np.random.default_rng(inputs).permutation(groups)
        codes, zeros, scales = affine(values, bits, groups, symmetric=symmetric)
        stored = (zeros - (0 if second else 1)).T
        return {
            f"{stem}.qweight": raw(np.ascontiguousarray(stream(codes, bits).T).view(np.int32), "I32"),
            f"{stem}.qzeros": raw(stream(stored, bits).view(np.int32), "I32"),
            f"{stem}.scales": raw(np.ascontiguousarray(scales.T), "F16"),
            f"{stem}.g_idx": raw(groups, "I32"),
        }

    return pack


def awq(*, group: int = 32, gemv: bool = False) -> Packer:
    def pack(stem: str, values: Floats) -> dict[str, Raw | Floats]:
        codes, zeros, scales = affine(values, 4, np.arange(values.shape[1]) // group)
        if gemv:
            wide = -(-zeros.shape[1] // 8) * 8 - zeros.shape[1]
            zeros, scales = np.pad(zeros, ((0, 0), (0, wide))), np.pad(scales, ((0, 0), (0, wide)))
            words, points = stream(codes, 4), stream(zeros, 4)
        else:
            scales = np.ascontiguousarray(scales.T)
            words, points = (stream(_interleaved(x.T), 4) for x in (codes, zeros))
        return {
            f"{stem}.qweight": raw(words.view(np.int32), "I32"),
            f"{stem}.qzeros": raw(points.view(np.int32), "I32"),
            f"{stem}.scales": raw(scales, "F16"),
        }

    return pack


def _interleaved(codes: Codes) -> Codes:
    """Every eight outputs in the order 0, 2, 4, 6, 1, 3, 5, 7 (AutoAWQ's order_map)."""
    return codes.reshape(len(codes), -1, 8)[:, :, [0, 2, 4, 6, 1, 3, 5, 7]].reshape(len(codes), -1)


def bitsandbytes(*, kind: str = "nf4", nested: bool = False, block: int = 64) -> Packer:
    table = NF4 if kind == "nf4" else FP4

    def pack(stem: str, values: Floats) -> dict[str, Raw | Floats]:
        name = f"{stem}.weight"
        flat = values.reshape(-1)
        blocks = np.pad(flat, (0, -len(flat) % block)).reshape(-1, block)
        absmax = np.maximum(np.abs(blocks).max(axis=1), 1e-12).astype(np.float32)
        about: dict[str, Any] = {"quant_type": kind, "blocksize": block, "dtype": "float32", "shape": values.shape}
        made: dict[str, Raw | Floats] = {}
        if nested:
            offset = float(absmax.mean())
            rest = absmax - offset
            scales = np.array([np.abs(rest[i : i + 256]).max() for i in range(0, len(rest), 256)], np.float32)
            meaning = np.linspace(-1, 1, 256, dtype=np.float32)
            codes = np.abs((rest / np.repeat(scales, 256)[: len(rest)])[:, None] - meaning).argmin(axis=1)
            about |= {"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": offset}
            made = {f"{name}.absmax": raw(codes, "U8"), f"{name}.nested_absmax": scales}
            made[f"{name}.nested_quant_map"] = meaning
            absmax = (meaning[codes] * np.repeat(scales, 256)[: len(rest)] + offset).astype(np.float32)
        else:
            made = {f"{name}.absmax": raw(absmax)}
        single = np.abs((blocks / absmax[:, None])[..., None] - table).argmin(axis=-1).reshape(-1)[: len(flat)]
        single = np.pad(single, (0, len(single) % 2))
        made[name] = raw((single[0::2] << 4 | single[1::2])[:, None], "U8")
        made[f"{name}.quant_map"] = raw(table)
        text = np.frombuffer(json.dumps(about).encode(), np.uint8)
        made[f"{name}.quant_state.bitsandbytes__{kind}"] = raw(text, "U8")
        return made

    return pack


def compressed(*, bits: int = 4, group: int = 0, zeros: str = "", act_order: bool = False) -> Packer:
    """`pack-quantized`; `zeros` is packed, plain or nothing, `group` 0 a scale a row."""

    def pack(stem: str, values: Floats) -> dict[str, Raw | Floats]:
        groups = np.arange(values.shape[1]) // (group or values.shape[1])
        if act_order:
            groups = np.random.default_rng(len(values)).permutation(groups)
        codes, points, scales = affine(values, bits, groups, symmetric=not zeros)
        made: dict[str, Raw | Floats] = {
            f"{stem}.weight_packed": raw(stream(codes, bits).view(np.int32), "I32"),
            f"{stem}.weight_scale": raw(scales, "F16"),
            f"{stem}.weight_shape": raw(np.array(values.shape), "I64"),
        }
        if act_order:
            made[f"{stem}.weight_g_idx"] = raw(groups, "I32")
        if zeros == "plain":
            made[f"{stem}.weight_zero_point"] = raw(points - 2 ** (bits - 1), "I8")
        elif zeros:
            made[f"{stem}.weight_zero_point"] = raw(
                np.ascontiguousarray(stream(points.T, bits).T).view(np.int32), "I32"
            )
        return made

    return pack


def int8_with_zeros(stem: str, values: Floats) -> dict[str, Raw | Floats]:
    """`int-quantized` of compressed-tensors, asymmetric by rows."""
    codes, points, scales = affine(values, 8, np.zeros(values.shape[1], int))
    return {
        f"{stem}.weight": raw(codes - 128, "I8"),
        f"{stem}.weight_scale": raw(scales, "F32"),
        f"{stem}.weight_zero_point": raw(points - 128, "I8"),
    }


def fp4_codes(values: Floats, scales: Floats, group: int) -> NDArray[np.uint8]:
    """Bytes [rows, in / 2] of the nearest E2M1 values, the low half first."""
    scaled = values / np.repeat(scales, group, axis=1)
    codes = np.abs(scaled[..., None] - E2M1).argmin(axis=-1)
    return (codes[:, 0::2] | codes[:, 1::2] << 4).astype(np.uint8)


def nvfp4(*, modelopt: bool) -> Packer:
    def pack(stem: str, values: Floats) -> dict[str, Raw | Floats]:
        largest = np.abs(values.reshape(len(values), -1, 16)).max(axis=-1)
        unit = np.float32(np.abs(values).max() / (6 * 448))
        scales = (largest / 6 / unit).astype(ml_dtypes.float8_e4m3fn)
        codes = fp4_codes(values, np.maximum(scales.astype(np.float32) * unit, 1e-12), 16)
        leaf = "weight" if modelopt else "weight_packed"
        made: dict[str, Raw | Floats] = {f"{stem}.{leaf}": raw(codes, "U8")}
        made[f"{stem}.weight_scale"] = Raw("F8_E4M3", scales.shape, scales.tobytes())
        if modelopt:
            made[f"{stem}.weight_scale_2"] = raw(np.array(unit))
        else:
            made[f"{stem}.weight_global_scale"] = raw(np.array([1 / unit]))
        return made

    return pack


def mxfp4_rows(*, mlx: bool) -> Packer:
    def pack(stem: str, values: Floats) -> dict[str, Raw | Floats]:
        largest = np.maximum(np.abs(values.reshape(len(values), -1, 32)).max(axis=-1), 1e-12)
        powers = np.floor(np.log2(largest)) - 2
        codes = fp4_codes(values, np.exp2(powers).astype(np.float32), 32)
        scales = raw(powers + 127, "U8")
        if mlx:
            return {f"{stem}.weight": raw(codes.view(np.uint32), "U32"), f"{stem}.scales": scales}
        return {f"{stem}.weight_packed": raw(codes, "U8"), f"{stem}.weight_scale": scales}

    return pack


def mlx(*, bits: int = 4, group: int = 32) -> Packer:
    def pack(stem: str, values: Floats) -> dict[str, Raw | Floats]:
        parts = values.reshape(len(values), -1, group)
        low, high = parts.min(axis=-1), parts.max(axis=-1)
        scales = ((high - low) / (2**bits - 1)).astype(np.float16).astype(np.float32)
        biases = low.astype(np.float16).astype(np.float32)
        codes = np.round((parts - biases[..., None]) / scales[..., None]).clip(0, 2**bits - 1).astype(int)
        return {
            f"{stem}.weight": raw(stream(codes.reshape(values.shape), bits), "U32"),
            f"{stem}.scales": raw(scales, "F16"),
            f"{stem}.biases": raw(biases, "F16"),
        }

    return pack
