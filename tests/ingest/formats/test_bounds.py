"""Bounds of quantised values: what was rounded lies inside, and what rounds to another code outside."""

from __future__ import annotations

from collections.abc import Callable

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

from forebear.ingest.formats.gguf_bounds import CODES, LEVELS
from forebear.ingest.formats.gguf_file import GgmlRows
from forebear.ingest.formats.quantised import unpack
from forebear.ingest.storage.bounds import BoundValues, bounds_of
from forebear.ingest.storage.logical import LogicalTensor
from forebear.ingest.storage.views import RowsOf, Strides

from ...writers import MemoryReader, Raw, safetensors_bytes
from .writers_packed import bitsandbytes, gptq, mlx
from .writers_quantised import fp8, int8

Floats = NDArray[np.float32]
Codes = NDArray[np.integer]
RANDOM = np.random.default_rng(5)


def rows_of(kind: Kind, data: bytes, columns: int) -> GgmlRows:
    return GgmlRows("f", 0, int(kind), columns)


def decoded(kind: Kind, data: bytes, shape: tuple[int, int]) -> tuple[Floats, BoundValues]:
    """Values and bounds of blocks."""
    rows = rows_of(kind, data, shape[1])
    bounds = bounds_of(rows)
    assert bounds is not None and bounds.ranges(range(shape[0])) == rows.ranges(range(shape[0]))
    return rows.decode(range(shape[0]), [data]), bounds.decode(range(shape[0]), [data])


def inside(values: Floats, bounds: BoundValues) -> NDArray[np.bool_]:
    return (bounds["low"] <= values) & (values <= bounds["high"])


def weights(rows: int, columns: int) -> Floats:
    """Values of very different sizes, some rows next to nothing."""
    sizes = np.array([[1e-7], [1e-4], [0.02], [1.0]], np.float32)
    return (RANDOM.standard_t(4, (rows, columns)) * np.resize(sizes, (rows, 1))).astype(np.float32)


@pytest.mark.parametrize("kind", [Kind.Q8_0, Kind.Q4_0, Kind.Q4_1, Kind.Q5_0, Kind.Q5_1])
def test_what_the_gguf_package_rounded_lies_inside(kind: Kind) -> None:
    values = weights(64, 256)
    kept, bounds = decoded(kind, gguf.quants.quantize(values, kind).tobytes(), values.shape)
    assert inside(values, bounds).all() and inside(kept, bounds).all()
    away = values + np.float32(1.2) * np.abs(values - kept).reshape(64, -1, 32).max(axis=2).repeat(32, axis=1) * 2
    large = np.isfinite(bounds["high"]) & (np.abs(values).max(axis=1, keepdims=True) > 0.01)
    assert large.sum() > 5000 and not inside(away, bounds)[large].any(), "more than a step away"


def q4_k(codes: Codes) -> Codes:
    parts = codes.reshape(-1, 4, 2, 32)
    return (parts[:, :, 0] | parts[:, :, 1] << 4).reshape(len(codes), -1)


def q5_k(codes: Codes) -> Codes:
    high = np.packbits((codes >> 4).reshape(-1, 8, 32), axis=1, bitorder="little").reshape(len(codes), 32)
    return np.concatenate([high, q4_k(codes & 15)], axis=1)


def q6_k(codes: Codes) -> Codes:
    parts = codes.reshape(-1, 2, 2, 64)
    low = (parts[:, :, 0] & 15 | (parts[:, :, 1] & 15) << 4).reshape(len(codes), -1)
    upper = (codes >> 4).reshape(-1, 2, 4, 32)
    return np.concatenate([low, _stacked(upper)], axis=1)


def q2_k(codes: Codes) -> Codes:
    return _stacked(codes.reshape(-1, 2, 4, 32))


def q3_k(codes: Codes) -> Codes:
    mask = np.packbits((codes >> 2).reshape(-1, 8, 32), axis=1, bitorder="little").reshape(len(codes), 32)
    return np.concatenate([mask, q2_k(codes & 3)], axis=1)


def _stacked(parts: Codes) -> Codes:
    """Four codes of two bits a byte: [n, 2, 4, 32] -> [n, 64]."""
    shifted = parts << (2 * np.arange(4, dtype=np.uint8))[None, None, :, None]
    return np.bitwise_or.reduce(shifted, axis=2).reshape(len(parts), -1)


@pytest.mark.parametrize(
    ("kind", "levels", "pack"),
    [(Kind.Q2_K, 4, q2_k), (Kind.Q3_K, 8, q3_k), (Kind.Q4_K, 16, q4_k), (Kind.Q5_K, 32, q5_k), (Kind.Q6_K, 64, q6_k)],
)
def test_only_the_nearest_code_of_a_k_quant_has_the_value_in_its_bounds(
    kind: Kind, levels: int, pack: Callable[[Codes], Codes]
) -> None:
    count, place = 6, CODES[kind.name]
    _, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = RANDOM.integers(0, 256, (count, size), np.uint8)
    for at in {"Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}[kind.name]:
        blocks[:, at : at + 2] = np.full(count, 0.01, np.float16)[:, None].view(np.uint8)

    def with_codes(codes: Codes) -> bytes:
        made = blocks.copy()
        made[:, place.first : place.end] = pack(codes)
        return made.tobytes()

    ladder = np.stack(
        [decoded(kind, with_codes(np.full((count, 256), c, np.uint8)), (count, 256))[0] for c in range(levels)]
    )
    least, most = ladder.min(axis=0), ladder.max(axis=0)
    values = (least + (most - least) * RANDOM.uniform(-0.3, 1.3, least.shape)).astype(np.float32)
    nearest = np.abs(ladder - values).argmin(axis=0).astype(np.uint8)
    kept, bounds = decoded(kind, with_codes(nearest), values.shape)
    assert np.array_equal(kept, np.take_along_axis(ladder, nearest[None].astype(np.int64), axis=0)[0])
    stepless = least == most
    assert inside(values, bounds).all() and not np.isfinite(bounds["low"][stepless]).any()
    for shift in (-1, 1):
        there = ~stepless & (nearest.astype(int) + shift >= 0) & (nearest.astype(int) + shift < levels)
        _, others = decoded(kind, with_codes((nearest + np.where(there, shift, 0)).astype(np.uint8)), values.shape)
        edge = np.abs(np.abs(values - kept) / np.maximum(np.abs(ladder[1] - ladder[0]), 1e-30) - 0.5) < 2e-3
        assert there.sum() > 100 and not inside(values, others)[there & ~edge].any()


@pytest.mark.parametrize("kind", [Kind.IQ4_NL, Kind.IQ4_XS, Kind.MXFP4])
def test_only_the_nearest_level_has_the_value_in_its_bounds(kind: Kind) -> None:
    place, count = LEVELS[kind.name], 4
    block, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = RANDOM.integers(0, 256, (count, size), np.uint8)
    if kind is Kind.MXFP4:
        blocks[:, 0] = 120
    else:
        blocks[:, :2] = np.full(count, 0.01, np.float16)[:, None].view(np.uint8)

    def with_codes(codes: Codes) -> bytes:
        made, half = blocks.copy(), 16
        parts = codes.reshape(count, -1, 2, half)
        made[:, place.first : place.end] = (parts[:, :, 0] | parts[:, :, 1] << 4).reshape(count, -1)
        return made.tobytes()

    ladder = np.stack(
        [decoded(kind, with_codes(np.full((count, block), c, np.uint8)), (count, block))[0] for c in range(16)]
    )
    values = np.asarray(ladder.max(axis=0) * RANDOM.uniform(-1.3, 1.3, (count, block)), np.float32)
    nearest = np.abs(ladder - values).argmin(axis=0).astype(np.uint8)
    kept, bounds = decoded(kind, with_codes(nearest), (count, block))
    scaled = np.abs(kept - ladder[1]) > 0
    assert inside(values, bounds).all()
    for other in range(16):
        codes = np.full((count, block), other, np.uint8)
        there, theirs = decoded(kind, with_codes(codes), (count, block))
        apart = np.abs(np.abs(values - there) - np.abs(values - kept)) > 2e-3 * np.abs(ladder).max(axis=0)
        assert not inside(values, theirs)[(there != kept) & apart & scaled].any()


def test_other_types_have_no_bounds() -> None:
    for kind in (Kind.IQ2_S, Kind.IQ3_S, Kind.TQ1_0, Kind.F16):
        assert bounds_of(rows_of(kind, b"", 256)) is None


def test_rows_in_another_order_take_their_bounds_along() -> None:
    values = weights(8, 64)
    data = gguf.quants.quantize(values, Kind.Q8_0).tobytes()
    view = RowsOf(rows_of(Kind.Q8_0, data, 64), Strides(7, (8,), (-1,)))
    bounds = bounds_of(view)
    assert bounds is not None
    chunks = [data[r.offset : r.offset + r.length] for r in bounds.ranges(range(8))]
    assert inside(values[::-1], bounds.decode(range(8), chunks)).all()
    assert not inside(values, bounds.decode(range(8), chunks)).all()


def unpacked(parts: dict[str, Raw | Floats], config: dict[str, object]) -> tuple[LogicalTensor, bytes]:
    from forebear.ingest.formats.safetensors import read_safetensors

    data = safetensors_bytes(parts)
    reader = MemoryReader(data)
    layout = unpack(
        read_safetensors(reader, "f").tensors, config, lambda ranges: [reader.read(r.offset, r.length) for r in ranges]
    )
    (tensor,) = layout.tensors
    return tensor, data


def bounds_in(tensor: LogicalTensor, data: bytes) -> BoundValues | None:
    bounds, rows = bounds_of(tensor.storage), range(tensor.matrix[0])
    if bounds is None:
        return None
    return bounds.decode(rows, [data[r.offset : r.offset + r.length] for r in bounds.ranges(rows)])


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_what_mlx_rounded_lies_inside(bits: int) -> None:
    values = weights(32, 64)[2::4]
    parts = mlx(bits=bits, group=32)("model.layers.0.self_attn.q_proj", values)
    tensor, data = unpacked(parts, {"quantization": {"bits": bits, "group_size": 32}})
    bounds = bounds_in(tensor, data)
    assert bounds is not None and inside(values, bounds).all()
    step = np.ptp(values.reshape(-1, 32), axis=1).max() / (2**bits - 1)
    last = np.isinf(bounds["high"])
    assert 0 < last.mean() < 0.5 and not inside(values + np.float32(1.2 * step), bounds)[~last].any()


def test_what_was_rounded_to_rows_of_int8_and_to_float8_lies_inside() -> None:
    values = weights(64, 128)[2::4]
    name = "model.layers.0.self_attn.q_proj.weight"
    for made, config in ((int8({name: values}), {}), (fp8({name: values}), {"weight_block_size": [128, 128]})):
        tensor, data = unpacked(made, {"quantization_config": config})
        bounds = bounds_in(tensor, data)
        assert bounds is not None and inside(values, bounds).all()
        there = (np.abs(values) > 0.5 * np.abs(values).max(axis=1, keepdims=True)) & np.isfinite(bounds["high"])
        there &= np.isfinite(bounds["low"])
        assert there.sum() > 10 and not inside(values * np.float32(1.2), bounds)[there].any()


@pytest.mark.parametrize("kind", ["nf4", "fp4"])
@pytest.mark.parametrize("nested", [False, True])
def test_what_bitsandbytes_rounded_to_4_bits_lies_inside(kind: str, nested: bool) -> None:
    values = weights(64, 128)[2::4]
    parts = bitsandbytes(kind=kind, nested=nested)("model.layers.0.self_attn.q_proj", values)
    tensor, data = unpacked(parts, {})
    bounds = bounds_in(tensor, data)
    assert bounds is not None and inside(values, bounds).all()
    largest = np.abs(values).reshape(-1, 64).max(axis=1).repeat(64).reshape(values.shape)
    assert not inside(values + np.float32(0.4) * largest, bounds).any()
    assert not inside(values * np.float32(1.02), bounds)[np.abs(values) == largest].all(), "nothing lies beyond"


def test_codes_that_need_not_be_the_nearest_have_no_bounds() -> None:
    parts = gptq()("model.layers.0.self_attn.q_proj", weights(128, 128)[2::4])
    tensor, data = unpacked(parts, {"quantization_config": {"bits": 4, "group_size": 32, "quant_method": "gptq"}})
    assert bounds_in(tensor, data) is None
