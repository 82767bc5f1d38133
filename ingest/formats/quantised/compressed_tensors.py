"""compressed-tensors `pack-quantized`: `X.weight_packed` I32 [out, in / (32 // bits)] with `weight_scale`, by groups.

Codes are two's complement plus 2^(bits - 1), as many in a word as fit whole. `weight_zero_point` is packed the same
way along the outputs (older files: plain int8); `weight_g_idx` [in] says which group an input belongs to after
act-order; `weight_shape` holds [out, in]. `int-quantized` and `float-quantized` files are read by `scaled`,
the 4-bit floats by `fp4`.

Source: compressed-tensors `compressors/quantized_compressors/pack_quantized.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ...storage.logical import LogicalTensor, Storage
from .fp4 import packed_fp4
from .grouped import Grouped
from .packed import PackedOver, PackedRows
from .scheme import FLOAT_SCALES, Decoded, Refused, Scheme, Stored, row_major, weight

_BITS = (4, 8, 2)
"""Those of which a whole number fills a word; others leave bits over, and are not published."""
_LEAVES = ("weight_packed", "weight_scale", "weight_zero_point", "weight_g_idx", "weight_shape", "input_scale")


def _read(tensor: LogicalTensor, stored: Stored) -> Decoded | Refused | None:
    stem = tensor.name.removesuffix(".weight_packed")
    scales = stored.get(f"{stem}.weight_scale", FLOAT_SCALES | {"F8_E4M3", "F8_E8M0", "U8"})
    floats = stored.get(tensor.name, {"U8"})
    if floats is not None and scales is not None and len(floats.shape) in (2, 3):
        return packed_fp4(floats, scales, stem, stored)
    codes = stored.get(tensor.name, {"I32"}, 2)
    if codes is None:
        return None
    used = stored.present(f"{stem}.{leaf}" for leaf in _LEAVES)
    shape, bits = _shape(stem, codes, stored)
    if scales is None or scales.dtype not in FLOAT_SCALES or not bits:
        what = f"packed codes of shape {codes.shape}: weight_shape or weight_scale do not say what they are"
        return Refused(codes.parameters * 32 // (bits or _bits(stored)[0]), what, used)
    outputs, inputs = shape
    found = _groups(scales, outputs, inputs, stored.get(f"{stem}.weight_g_idx", {"I32", "I64"}, 1))
    if found is None:
        return Refused(outputs * inputs, f"weight_scale of shape {scales.shape} for a weight of shape {shape}", used)
    group, wide, order = found
    zeros: Storage | None = None
    if f"{stem}.weight_zero_point" in stored.by_name:
        zeros = _zeros(stem, stored, outputs, wide, bits)
        if zeros is None:
            return Refused(outputs * inputs, "its weight_zero_point has another shape than its scales", used)
    centre = 0.0 if isinstance(zeros, PackedOver) else float(1 << bits - 1)
    storage = Grouped(
        PackedRows(row_major(codes), bits, inputs), inputs, group,
        scales=row_major(scales, columns=wide), zeros=zeros, centre=centre, order=row_major(order) if order else None,
    )  # fmt: skip
    return Decoded(weight(stem, f"INT{bits}", shape, storage), used)


def _shape(stem: str, codes: LogicalTensor, stored: Stored) -> tuple[tuple[int, int], int]:
    """[out, in] and the bits of a code; 0 bits when `weight_shape` is not there or fits no number of them."""
    about = stored.by_name.get(f"{stem}.weight_shape")
    data = stored.small.get(f"{stem}.weight_shape", b"")
    size = {"I64": 8, "I32": 4}.get(about.dtype if about else "", 0)
    if not size or len(data) != 2 * size:
        return (0, 0), 0
    outputs, inputs = (int(n) for n in np.frombuffer(data, f"<i{size}"))
    fits = [b for b in _bits(stored) if inputs > 0 and codes.shape == (outputs, -(-inputs // (32 // b)))]
    return (outputs, inputs), fits[0] if fits else 0


def _bits(stored: Stored) -> list[int]:
    """What the config's groups say, then the usual."""
    groups = stored.quantisation.get("config_groups")
    return [*_said(groups), *_BITS] if isinstance(groups, Mapping) else list(_BITS)


def _said(groups: Mapping[str, object]) -> Iterator[int]:
    for group in groups.values():
        weights = group.get("weights") if isinstance(group, Mapping) else None
        bits = weights.get("num_bits") if isinstance(weights, Mapping) else None
        if bits in _BITS and isinstance(bits, int):
            yield bits


def _groups(
    scales: LogicalTensor, outputs: int, inputs: int, order: LogicalTensor | None
) -> tuple[int, int, LogicalTensor | None] | None:
    """(columns a group, groups, g_idx); None when the scales do not fit the weight."""
    wide = scales.parameters // outputs if outputs else 0
    if scales.shape not in {(outputs, wide), (outputs,)} or not wide:
        return None
    if order is not None and order.shape == (inputs,):
        return inputs, wide, order
    group = -(-inputs // wide)
    return (group, wide, None) if inputs % wide == 0 else None


def _zeros(stem: str, stored: Stored, outputs: int, wide: int, bits: int) -> Storage | None:
    """The zero points [out, groups]: packed along the outputs, or plain (then counted from the centre)."""
    name = f"{stem}.weight_zero_point"
    if plain := stored.get(name, {"I8"}):
        return row_major(plain, columns=wide) if plain.parameters == outputs * wide else None
    packed = stored.get(name, {"I32"}, 2)
    if packed is None or packed.shape != (-(-outputs // (32 // bits)), wide):
        return None
    return PackedOver(row_major(packed), bits)


COMPRESSED_TENSORS = Scheme("compressed-tensors", r"\.weight_packed", _read)
