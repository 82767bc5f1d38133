"""Four-bit floats (E2M1) with a scale for each 16 or 32 of a row: MXFP4 and NVFP4, as four programs write them.

| written by         | codes                                | scales                         | one more for all      |
| gpt-oss            | `X_blocks` U8 [..., groups, 16]      | `X_scales` U8 powers of two    |                       |
| gpt-oss's makers   | `X.blocks`                           | `X.scales`                     |                       |
| ModelOpt NVFP4     | `X.weight` U8 [out, in / 2]          | `X.weight_scale` F8_E4M3       | x `weight_scale_2`    |
| compressed-tensors | `X.weight_packed` U8 [out, in / 2]   | `X.weight_scale` F8_E4M3 or U8 | / `weight_global_scale` |
| MLX                | `X.weight` U32 [out, in / 8]         | `X.scales` U8                  |                       |

The low half of a byte comes first in all of them. A scale of 255 in E8M0 is not a number.

Sources: OCP Microscaling Formats 1.0; transformers `integrations/mxfp4.py`; ModelOpt
`torch/quantization/qtensor/nvfp4_tensor.py`; compressed-tensors `compressors/nvfp4`; MLX `fp_quantized.h`.
"""

from __future__ import annotations

import math

from ...storage.logical import LogicalTensor
from .grouped import Grouped, stacked
from .scheme import Decoded, Refused, Scheme, Stored, row_major, weight

MX_GROUP, NV_GROUP = 32, 16


def fp4(
    codes: LogicalTensor, scales: LogicalTensor, columns: int, group: int, unit: LogicalTensor | None, *, inverse: bool
) -> Grouped:
    """The rows [*, columns] of two tensors that fit each other; bytes of scales are powers of two in groups of 32."""
    kind = "F8_E8M0" if group == MX_GROUP else "F8_E4M3"
    one = row_major(unit, columns=1) if unit else None
    wide = columns // group
    return Grouped(
        row_major(codes, "F4", columns), columns, group, row_major(scales, kind, wide), unit=one, inverse=inverse
    )


def _gpt_oss(tensor: LogicalTensor, stored: Stored) -> Decoded | Refused | None:
    whole = tensor.name.removesuffix("blocks")
    stem = whole[:-1]
    codes, scales = stored.get(tensor.name, {"U8"}), stored.get(f"{whole}scales", {"U8", "F8_E8M0"})
    if codes is None or scales is None or len(codes.shape) < 3 or codes.shape[-1] != 16 or stem in stored.by_name:
        return None
    if scales.shape != codes.shape[:-1]:
        what = f"blocks of shape {codes.shape} do not fit scales of shape {scales.shape}"
        return Refused(codes.parameters * 2, what, frozenset({codes.name, scales.name}))
    shape = (*codes.shape[:-2], codes.shape[-2] * MX_GROUP)
    storage = stacked(fp4(codes, scales, shape[-1], MX_GROUP, None, inverse=False), shape)
    return Decoded(LogicalTensor(stem, "MXFP4", shape, storage), frozenset({codes.name, scales.name}))


def _modelopt(tensor: LogicalTensor, stored: Stored) -> Decoded | Refused | None:
    scales = stored.get(f"{tensor.name}_scale", {"F8_E4M3", "F32", "F16", "BF16", "U8"})
    codes = stored.get(tensor.name, {"U8"})
    if scales is None or codes is None:
        return None
    used = stored.present(
        f"{tensor.name.removesuffix('weight')}{leaf}"
        for leaf in ("weight", "weight_scale", "weight_scale_2", "input_scale", "pre_quant_scale")
    )
    unit = stored.get(f"{tensor.name}_scale_2", {"F32", "F16", "BF16"})
    if len(codes.shape) not in (2, 3):
        return Refused(codes.parameters * 2, f"4-bit codes of shape {codes.shape} are not NVFP4", used)
    columns = codes.shape[-1] * 2
    shape = (*codes.shape[:-1], columns)
    wanted = (*shape[:-1], columns // NV_GROUP)
    if scales.dtype != "F8_E4M3" or unit is None or unit.parameters != 1 or scales.shape != wanted:
        what = f"4-bit codes with a weight_scale of {scales.dtype} {scales.shape} are not NVFP4"
        return Refused(codes.parameters * 2, what, used)
    if columns % NV_GROUP:
        return Refused(codes.parameters * 2, f"rows of {columns} values are no whole groups of {NV_GROUP}", used)
    storage = stacked(fp4(codes, scales, columns, NV_GROUP, unit, inverse=False), shape)
    return Decoded(LogicalTensor(tensor.name, "NVFP4", shape, storage), used)


def packed_fp4(codes: LogicalTensor, scales: LogicalTensor, stem: str, stored: Stored) -> Decoded | Refused | None:
    """`nvfp4-pack-quantized` and `mxfp4-pack-quantized` of compressed-tensors."""
    used = stored.present(
        f"{stem}.{leaf}" for leaf in ("weight_packed", "weight_scale", "weight_global_scale", "input_global_scale")
    )
    columns = codes.shape[-1] * 2
    for group, kinds, name in ((NV_GROUP, {"F8_E4M3"}, "NVFP4"), (MX_GROUP, {"U8", "F8_E8M0"}, "MXFP4")):
        if scales.dtype in kinds and scales.shape == (*codes.shape[:-1], columns // group) and columns % group == 0:
            unit = stored.get(f"{stem}.weight_global_scale", {"F32"}) if group == NV_GROUP else None
            if group == NV_GROUP and (unit is None or unit.parameters != 1):
                break
            shape = (*codes.shape[:-1], columns)
            storage = stacked(fp4(codes, scales, columns, group, unit, inverse=True), shape)
            return Decoded(weight(stem, name, shape, storage), used)
    what = f"a weight_scale of {scales.dtype} {scales.shape} does not fit 4-bit floats of shape {codes.shape}"
    return Refused(2 * math.prod(codes.shape), what, used)


GPT_OSS = Scheme("MXFP4 of gpt-oss", r"[._]blocks", _gpt_oss)
MODELOPT = Scheme("NVFP4 of ModelOpt", r"\.weight|proj", _modelopt)
