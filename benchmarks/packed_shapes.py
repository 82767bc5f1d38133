"""The tensors that each packing makes of one matrix: names, types and shapes, and the bytes of those that are read."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

BYTES = {"U8": 1, "I8": 1, "F8_E4M3": 1, "F16": 2, "BF16": 2, "F32": 4, "I32": 4, "U32": 4, "I64": 8}
Entry = tuple[str, str, tuple[int, ...], bytes | None]


@dataclass(frozen=True, slots=True)
class Packing:
    """`entries(module, out, in)` are (name, dtype, shape, content or None for a hole)."""

    entries: Callable[[str, int, int], list[Entry]]
    config: Mapping[str, Any] = field(default_factory=dict)
    embeddings: bool = False


def gptq(x: str, out: int, inputs: int) -> list[Entry]:
    """4 bits in groups of 128."""
    groups = inputs // 128
    shapes = {"qweight": (inputs // 8, out), "qzeros": (groups, out // 8), "g_idx": (inputs,)}
    return [*((f"{x}.{n}", "I32", s, None) for n, s in shapes.items()), (f"{x}.scales", "F16", (groups, out), None)]


def awq(x: str, out: int, inputs: int) -> list[Entry]:
    """4 bits in groups of 128, order gemm."""
    groups = inputs // 128
    shapes = {"qweight": (inputs, out // 8), "qzeros": (groups, out // 8)}
    return [*((f"{x}.{n}", "I32", s, None) for n, s in shapes.items()), (f"{x}.scales", "F16", (groups, out), None)]


def nf4(x: str, out: int, inputs: int) -> list[Entry]:
    """Double quantisation."""
    blocks = out * inputs // 64
    about = {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": (out, inputs)}
    about |= {"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": 0.04}
    text = json.dumps(about).encode()
    return [
        (f"{x}.weight", "U8", (out * inputs // 2, 1), None),
        (f"{x}.weight.absmax", "U8", (blocks,), None),
        (f"{x}.weight.nested_absmax", "F32", (-(-blocks // 256),), None),
        (f"{x}.weight.nested_quant_map", "F32", (256,), None),
        (f"{x}.weight.quant_map", "F32", (16,), None),
        (f"{x}.weight.quant_state.bitsandbytes__nf4", "U8", (len(text),), text),
    ]


def int4(x: str, out: int, inputs: int) -> list[Entry]:
    """pack-quantized of compressed-tensors in groups of 128."""
    return [
        (f"{x}.weight_packed", "I32", (out, inputs // 8), None),
        (f"{x}.weight_scale", "BF16", (out, inputs // 128), None),
        (f"{x}.weight_shape", "I64", (2,), struct.pack("<qq", out, inputs)),
    ]


def nvfp4(x: str, out: int, inputs: int) -> list[Entry]:
    """As ModelOpt writes it."""
    return [
        (f"{x}.weight", "U8", (out, inputs // 2), None),
        (f"{x}.weight_scale", "F8_E4M3", (out, inputs // 16), None),
        (f"{x}.weight_scale_2", "F32", (), None),
    ]


def mxfp4(x: str, out: int, inputs: int) -> list[Entry]:
    """mxfp4-pack-quantized of compressed-tensors."""
    return [
        (f"{x}.weight_packed", "U8", (out, inputs // 2), None),
        (f"{x}.weight_scale", "U8", (out, inputs // 32), None),
    ]


def mlx(x: str, out: int, inputs: int) -> list[Entry]:
    """4 bits in groups of 64."""
    scales: list[Entry] = [(f"{x}.{n}", "F16", (out, inputs // 64), None) for n in ("scales", "biases")]
    return [(f"{x}.weight", "U32", (out, inputs // 8), None), *scales]


def int8(x: str, out: int, inputs: int) -> list[Entry]:
    """The int8 of bitsandbytes."""
    return [(f"{x}.weight", "I8", (out, inputs), None), (f"{x}.SCB", "F32", (out,), None)]


def torchao(x: str, out: int, inputs: int) -> list[Entry]:
    """int8 of torchao by rows."""
    return [
        (f"{x}._weight_qdata", "I8", (out, inputs), None),
        (f"{x}._weight_scale", "F32", (out, 1), None),
        (f"{x}._weight_zero_point", "I8", (out, 1), None),
    ]


PACKINGS = {
    "GPTQ, 4 bits": Packing(gptq),
    "AWQ gemm, 4 bits": Packing(awq),
    "bitsandbytes nf4, double": Packing(nf4),
    "bitsandbytes int8": Packing(int8),
    "torchao int8": Packing(torchao),
    "compressed-tensors, 4 bits": Packing(int4),
    "NVFP4 of ModelOpt": Packing(nvfp4),
    "MXFP4": Packing(mxfp4),
    "MLX, 4 bits": Packing(mlx, {"quantization": {"bits": 4, "group_size": 64}}, True),
}
SCATTERED = {"GPTQ, 4 bits", "AWQ gemm, 4 bits"}
"""Those whose leading rows lie all over the file."""
