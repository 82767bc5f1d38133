"""float8 and int8 with one scale a tensor, a row or a block, in `weight_scale_inv`, `weight_scale`, `SCB` and others.

DeepSeek and its kin (blocks of 128 x 128), compressed-tensors `float-quantized` and `int-quantized` (with zero points),
fbgemm, bitsandbytes int8 (`SCB`: the largest magnitude of each row), torchao (`_weight_qdata`, `_weight_scale`, and
`_weight_zero_point` of int8; its int4 is packed for kernels and skipped), ComfyUI (`scale_weight`, with a mark
`scaled_fp8` for the file; later `weight_scale` with JSON in `comfy_quant`), Mistral's own files (`qscale_weight`),
DeepSeek's (`scale` beside `weight`), and stacks of experts of any of them (`experts.gate_up_proj` with
`experts.gate_up_proj_scale_inv`).

Sources: torchao `prototype/safetensors/safetensors_support.py`; transformers `integrations/finegrained_fp8.py`;
compressed-tensors `quantization/lifecycle/forward.py`; bitsandbytes `functional.py`.
"""

from __future__ import annotations

from ...storage.logical import LogicalTensor, RowMajor, Storage
from .grouped import BlockRows, Grouped, Levels, stacked
from .scheme import FLOAT_SCALES, Decoded, Refused, Scheme, Stored, row_major

_CODES = {"F8_E4M3": "FP8", "F8_E5M2": "FP8", "F8_E4M3FNUZ": "FP8", "F8_E5M2FNUZ": "FP8", "I8": "INT8"}
_SCALES = (
    ("weight_scale_inv", 1.0), ("weight_scale", 1.0), ("scale_weight", 1.0), ("qscale_weight", 1.0), ("scale", 1.0),
    ("SCB", 1 / 127),
)  # fmt: skip
_WHOLE = Levels(most=128)
_FLOATS = {"F8_E4M3": Levels(most=448, fraction=3, least=-6), "F8_E5M2": Levels(most=57344, fraction=2, least=-14)}
"""How codes lie that are the nearest: int8 of bitsandbytes, whose largest value of a row is 127, and floats."""
_FLATTENED = "._weight_qdata"
_ACTIVATIONS = (
    "input_scale", "output_scale", "weight_format", "scale_input", "scale_output", "qscale_act", "comfy_quant",
    "activation_scale", "input_scale_ub",
)  # fmt: skip
"""Figures of the same module that say nothing of its weights."""


def _read(tensor: LogicalTensor, stored: Stored) -> Decoded | Refused | None:
    if tensor.name.endswith(_FLATTENED):
        return _flattened(tensor, stored)
    if tensor.dtype not in _CODES or len(tensor.shape) not in (2, 3) or not isinstance(tensor.storage, RowMajor):
        return None
    refused = None
    module = tensor.name.removesuffix("weight")
    for leaf, factor in _SCALES:
        own = tensor.name.endswith(".weight")
        name = module + leaf if own else f"{tensor.name}_{leaf.removeprefix('weight_')}"
        scale = stored.get(name, FLOAT_SCALES | {"F8_E8M0"})
        if scale is None:
            continue
        zero = stored.get(module + "weight_zero_point", {"I8", *FLOAT_SCALES}) if own else None
        used = {tensor.name, name, *stored.present(module + other for other in _ACTIVATIONS)}
        if zero is not None:
            used.add(zero.name)
        nearest = None if zero else _WHOLE if leaf == "SCB" else _FLOATS.get(tensor.dtype)
        storage = _storage(tensor, scale, zero, factor, stored, nearest)
        if storage is not None:
            made = LogicalTensor(tensor.name, _CODES[tensor.dtype], tensor.shape, storage)
            return Decoded(made, frozenset(used))
        reason = f"{leaf} of shape {scale.shape} is not a scale a tensor, row or known block"
        refused = Refused(tensor.parameters, reason, frozenset(used))
    return refused


def _flattened(tensor: LogicalTensor, stored: Stored) -> Decoded | Refused | None:
    """A weight of torchao, whose parts stand beside each other under its own name."""
    stem = tensor.name.removesuffix("qdata")
    used = stored.present(stem + part for part in ("qdata", "scale", "zero_point", "scale_and_zero"))
    scale, zero = (stored.get(stem + part, {"I8", *FLOAT_SCALES}) for part in ("scale", "zero_point"))
    codes = stored.get(tensor.name, _CODES, 2)
    good = codes is not None and scale is not None and scale.dtype in FLOAT_SCALES and len(scale.shape) == 2
    good &= (zero is None) == (f"{stem}zero_point" not in stored.by_name)
    storage = _storage(codes, scale, zero, 1.0, stored) if good and codes and scale else None
    if codes is None or storage is None:
        return Refused(tensor.parameters, "codes of torchao other than int8 or float8 with scales that fit", used)
    name = stem.removesuffix("_weight_") + "weight"
    return Decoded(LogicalTensor(name, _CODES[codes.dtype], codes.shape, storage), used)


def _storage(
    tensor: LogicalTensor,
    scale: LogicalTensor,
    zero: LogicalTensor | None,
    factor: float,
    stored: Stored,
    nearest: Levels | None = None,
) -> Storage | None:
    codes, columns = row_major(tensor), tensor.shape[-1]
    rows, matrices = tensor.shape[-2], tensor.shape[0] if len(tensor.shape) == 3 else 1
    if zero is not None and zero.shape != scale.shape:
        return None
    if scale.parameters == 1:
        unit = row_major(scale, columns=1)
        shift = BlockRows(row_major(zero, columns=1), matrices * rows, max(1, matrices * rows)) if zero else None
        made = Grouped(codes, columns, max(1, columns), zeros=shift, unit=unit, factor=factor, nearest=nearest)
        return stacked(made, tensor.shape)
    found = _block(tensor.shape, scale.shape, stored)
    if found is None:
        return None
    height, width = found
    wide = -(-columns // width)
    scales, zeros = (BlockRows(row_major(t, columns=wide), rows, height) if t else None for t in (scale, zero))
    return stacked(Grouped(codes, columns, width, scales, zeros, factor=factor, nearest=nearest), tensor.shape)


def _block(shape: tuple[int, ...], scales: tuple[int, ...], stored: Stored) -> tuple[int, int] | None:
    """Rows and columns that share a scale: what the config says, else 128, else what divides."""
    *stack, rows, columns = shape
    if scales[: len(stack)] == tuple(stack) and len(scales) == len(shape):
        blocks = scales[-2:]
    elif not stack and scales == (rows,):
        blocks = (rows, 1)
    elif scales == (*stack, 1) or scales == tuple(stack):
        blocks = (1, 1)
    else:
        return None
    said = stored.quantisation.get("weight_block_size")
    tries = (
        [(said[0], said[1])] if isinstance(said, list) and len(said) == 2 and all(type(n) is int for n in said) else []
    )
    tries += [(128, 128), (-(-rows // max(1, blocks[0])), -(-columns // max(1, blocks[1])))]
    for height, width in tries:
        exact = (height, width) == tries[-1] and (rows % height or columns % width) if height and width else False
        if height > 0 and width > 0 and not exact and blocks == (-(-rows // height), -(-columns // width)):
            return height, width
    return None


SCALED = Scheme("float8 or int8 with scales", r"\.weight|proj|_weight|\._weight_qdata", _read)
