"""Gated delta nets of GGUF (Qwen3-Next, Qwen3.5): their names, and the heads of v in the order of the original.

Where several heads of v share one of k, llama.cpp wants them tiled: the first of every head of k, then the second. The
original has all of one head of k together. What is moved: rows of v, of its gate, of alpha and beta, channels of the
convolution, columns of the output.

Source: llama.cpp convert_hf_to_gguf.py, `_LinearAttentionVReorderBase`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..storage.logical import LogicalTensor
from ..storage.views import ColumnsOf, InTurn, RowsOf, Strides
from . import gguf_metadata as metadata

TILED = frozenset({"qwen35", "qwen35moe"})
"""Architectures whose heads of v are tiled; Qwen3-Next has them as they were."""


def untiled(tensor: LogicalTensor, arch: str, fields: Mapping[str, object]) -> LogicalTensor:
    """A tensor of a layer, with heads of v as the original has them; as it is where the metadata do not fit it."""
    keys, values, size, inner = (
        (metadata.numbers(fields.get(f"{arch}.ssm.{key}")) or [0])[0]
        for key in ("group_count", "time_step_rank", "state_size", "inner_size")
    )
    known = arch in TILED and 0 < keys < values and values % keys == 0 and inner > 0 and inner % values == 0
    if not known or size <= 0 or tensor.name.count(".") < 2:
        return tensor
    wide, before = inner // values, 2 * keys * size
    each = _tiles(0, keys, values, wide)
    high, across = (tensor.shape[0], tensor.matrix[1]) if tensor.shape else (0, 0)
    match tensor.name.split(".")[2]:
        case "attn_qkv" | "ssm_conv1d" if high == before + inner and len(tensor.shape) > 1:
            order = InTurn((Strides(0, (before,), (1,)), _tiles(before, keys, values, wide)))
            return replace(tensor, storage=RowsOf(tensor.storage, order))
        case "attn_gate" if high == inner and len(tensor.shape) > 1:
            return replace(tensor, storage=RowsOf(tensor.storage, each))
        case "ssm_alpha" | "ssm_beta" if high == values and len(tensor.shape) > 1:
            return replace(tensor, storage=RowsOf(tensor.storage, _tiles(0, keys, values, 1)))
        case "ssm_out" if across == inner and len(tensor.shape) > 1:
            return replace(tensor, storage=ColumnsOf(tensor.storage, each))
        case "ssm_dt" | "ssm_a" if tensor.shape == (values,):
            return replace(tensor, storage=ColumnsOf(tensor.storage, _tiles(0, keys, values, 1)))
    return tensor


def _tiles(start: int, keys: int, values: int, size: int) -> Strides:
    """Where the rows of v stand from `start` on: those of head (key, value), `size` each, at (value, key)."""
    return Strides(start, (keys, values // keys, size), (size, keys * size, 1))
