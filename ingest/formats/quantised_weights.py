"""Weights that a safetensors file keeps as codes and scales in separate tensors, as the matrices that they stand for.

Read: float8 and int8 with `weight_scale_inv` or `weight_scale` (one a tensor, a row, or a block: DeepSeek, compressed-
tensors, fbgemm), int8 with `SCB` (bitsandbytes), MXFP4 blocks with their scales (gpt-oss). What is known and not
decoded (GPTQ, AWQ, bitsandbytes 4-bit, 4-bit compressed-tensors) is skipped by tensor with the reason.

Sources: transformers `integrations/finegrained_fp8.py`, `integrations/mxfp4.py`; bitsandbytes `functional.py`; OCP
Microscaling Formats 1.0 (E2M1 values, E8M0 scales).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..layouts import Layout
from ..reader import Range
from ..storage import LogicalTensor, RowMajor, Storage, runs
from ..text import printable
from .contents import SkippedTensor

_CODES = {"F8_E4M3": "FP8", "F8_E5M2": "FP8", "F8_E4M3FNUZ": "FP8", "F8_E5M2FNUZ": "FP8", "I8": "INT8"}
_SCALES = (("weight_scale_inv", 1.0), ("weight_scale", 1.0), ("SCB", 1 / 127))
_NOT_DECODED = (
    (re.compile(r".*\.qweight"), 8, "GPTQ or AWQ packs 4-bit codes across rows"),
    (re.compile(r".*\.weight_packed"), 8, "packed compressed-tensors codes"),
)
_COMPANIONS = re.compile(
    r".*\.(qzeros|scales|g_idx|weight_shape|weight_zero_point|weight_g_idx|weight_global_scale|input_global_scale)"
    r"|.*\.weight\.(absmax|quant_map|nested_absmax|nested_quant_map|quant_state\..*)"
)
_MX_GROUP = 32
_E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)


@dataclass(frozen=True, slots=True)
class Scaled:
    """Codes times scales. `scale` has one value, one a row ([1, out]), or one a block of `block` rows and columns."""

    codes: Storage
    scale: Storage
    block: tuple[int, int] | None
    factor: float

    def _scale_rows(self, rows: Sequence[int]) -> NDArray[np.int64]:
        return np.asarray(rows, np.int64) // self.block[0] if self.block else np.zeros(len(rows), np.int64)

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the codes, then those of the scales."""
        return self.codes.ranges(rows) + self.scale.ranges(np.unique(self._scale_rows(rows)).tolist())

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), in]."""
        own = len(self.codes.ranges(rows))
        values = self.codes.decode(rows, chunks[:own])
        needed, place = np.unique(self._scale_rows(rows), return_inverse=True)
        scales = (self.scale.decode(needed.tolist(), chunks[own:]) * self.factor).astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            if self.block:
                wide = np.repeat(scales[place], self.block[1], axis=1)[:, : values.shape[1]]
            else:
                wide = scales[:, list(rows)].T if scales.size > 1 else scales
            return np.asarray(values * wide, np.float32)


@dataclass(frozen=True, slots=True)
class MicroScaled:
    """MXFP4: 16 bytes of 32 codes, the low half of a byte first, and one power of two for each such block."""

    blocks: RowMajor
    scales: RowMajor
    first: int
    columns: int

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the codes, then those of the scales."""
        found = []
        for stored, a_value in ((self.blocks, 2), (self.scales, _MX_GROUP)):
            width, begin = self.columns // a_value, stored.offset + self.first // a_value
            found += [Range(stored.file, begin + at * width, count * width) for at, count in runs(rows)]
        return found

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), columns]; a scale of 255 is not a number."""
        half = len(chunks) // 2
        codes = np.frombuffer(b"".join(chunks[:half]), np.uint8)
        powers = np.frombuffer(b"".join(chunks[half:]), np.uint8).astype(np.int32)
        values = _E2M1[np.stack((codes & 15, codes >> 4), axis=1)].reshape(-1, _MX_GROUP)
        scaled = np.where(powers[:, None] == 255, np.float32(np.nan), np.ldexp(values, powers[:, None] - 127))
        return scaled.astype(np.float32).reshape(len(rows), self.columns)

    def cut(self, first: int, columns: int) -> MicroScaled | None:
        """The rows of `columns` values from value `first` on; None where one would start inside a block."""
        if first % _MX_GROUP or columns % _MX_GROUP:
            return None
        return MicroScaled(self.blocks, self.scales, self.first + first, columns)


def unpack(tensors: Sequence[LogicalTensor], config: Mapping[str, object]) -> Layout:
    """Codes and scales as the weights that they stand for; scales that were used are no tensors of the result."""
    by_name = {t.name: t for t in tensors}
    used: set[str] = set()
    made: list[LogicalTensor] = []
    skipped: list[SkippedTensor] = []
    packed = any(t.name.endswith((".qweight", ".weight_packed")) or ".quant_state." in t.name for t in tensors)
    for tensor in tensors:
        found = _scaled(tensor, by_name, config) or _micro_scaled(tensor, by_name)
        reason = None if found else _reason(tensor, by_name)
        if reason is not None:
            skipped.append(SkippedTensor(printable(tensor.name), *reason))
        elif packed and _COMPANIONS.fullmatch(tensor.name):
            used.add(tensor.name)
        elif found:
            made.append(found[0])
            used.add(found[1])
        else:
            made.append(tensor)
    return Layout(tuple(t for t in made if t.name not in used), tuple(skipped))


def _reason(tensor: LogicalTensor, by_name: Mapping[str, LogicalTensor]) -> tuple[int, str] | None:
    """(parameters, reason) of a packed tensor that is not decoded."""
    for pattern, codes, what in _NOT_DECODED:
        if tensor.dtype in {"I32", "U8", "I64"} and pattern.fullmatch(tensor.name):
            return tensor.parameters * (codes if tensor.dtype == "I32" else 2), f"{what}, which is not decoded yet"
    if tensor.dtype == "U8" and f"{tensor.name}.absmax" in by_name:
        return tensor.parameters * 2, "4-bit codes of bitsandbytes, which are not decoded yet"
    if tensor.dtype in _CODES and tensor.name.endswith(".weight"):
        for leaf, _ in _SCALES:
            if scale := by_name.get(tensor.name.removesuffix("weight") + leaf):
                return tensor.parameters, f"{leaf} of shape {scale.shape} is not a scale a tensor, row or known block"
    return None


def _scaled(
    tensor: LogicalTensor, by_name: Mapping[str, LogicalTensor], config: Mapping[str, object]
) -> tuple[LogicalTensor, str] | None:
    """The matrix and the name of its scales."""
    if tensor.dtype not in _CODES or len(tensor.shape) != 2 or not tensor.name.endswith(".weight"):
        return None
    for leaf, factor in _SCALES:
        scale = by_name.get(tensor.name.removesuffix("weight") + leaf)
        if scale is None or scale.dtype not in {"F32", "F16", "BF16", "F8_E8M0"}:
            continue
        block, storage = None, scale.storage
        if len(scale.shape) == 2 and scale.shape[1] == 1 and scale.shape[0] == tensor.shape[0]:
            block = (1, tensor.shape[1])
        elif len(scale.shape) == 2 and scale.parameters > 1:
            block = _block(tensor.shape, scale.shape, config)
            if block is None:
                continue
        elif scale.parameters not in (1, tensor.shape[0]):
            continue
        one = replace(tensor, dtype=_CODES[tensor.dtype], storage=Scaled(tensor.storage, storage, block, factor))
        return one, scale.name
    return None


def _block(shape: tuple[int, ...], scales: tuple[int, ...], config: Mapping[str, object]) -> tuple[int, int] | None:
    """Rows and columns that share a scale: what the config says, else 128, else what divides."""
    quantisation = config.get("quantization_config")
    said = quantisation.get("weight_block_size") if isinstance(quantisation, Mapping) else None
    tries = [tuple(said)] if isinstance(said, list) and len(said) == 2 and all(type(n) is int for n in said) else []
    tries += [(128, 128), tuple(max(1, n // max(1, s)) for n, s in zip(shape, scales, strict=True))]
    for height, width in tries:
        if height > 0 and width > 0 and scales == (-(-shape[0] // height), -(-shape[1] // width)):
            return height, width
    return None


def _micro_scaled(tensor: LogicalTensor, by_name: Mapping[str, LogicalTensor]) -> tuple[LogicalTensor, str] | None:
    """`X_blocks` [..., groups, 16] with `X_scales` [..., groups] as X [..., 32 x groups]."""
    if not tensor.name.endswith("_blocks") or tensor.dtype != "U8" or len(tensor.shape) < 3 or tensor.shape[-1] != 16:
        return None
    stem = tensor.name.removesuffix("_blocks")
    scales = by_name.get(f"{stem}_scales")
    if scales is None or scales.dtype != "U8" or scales.shape != tensor.shape[:-1] or stem in by_name:
        return None
    if not isinstance(tensor.storage, RowMajor) or not isinstance(scales.storage, RowMajor):
        return None
    shape = (*tensor.shape[:-2], tensor.shape[-2] * _MX_GROUP)
    wide = tensor.parameters * 2 // shape[0] if shape[0] else 0
    return LogicalTensor(stem, "MXFP4", shape, MicroScaled(tensor.storage, scales.storage, 0, wide)), scales.name
