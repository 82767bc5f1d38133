"""Float files that hold the values of quantised ones: which they are, and what was rounded lies inside of bounds."""

from __future__ import annotations

import gguf
import ml_dtypes
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

from forebear.ingest.fingerprint.dequantised import dequantised_bounds

Floats = NDArray[np.float32]
FLOATS = {"F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16}
STEPS = {"Q8_0": 1 / 127, "Q5_0": 1 / 16, "Q4_0": 1 / 8}


def weights(seed: int = 1, columns: int = 256) -> Floats:
    return (np.random.default_rng(seed).standard_t(5, (16, columns)) * 0.03).astype(np.float32)


def unpacked(values: Floats, kind: str) -> Floats:
    """Values as a quantised file gives them back."""
    return np.asarray(gguf.quants.dequantize(gguf.quants.quantize(values, Kind[kind]), Kind[kind]), np.float32)


def stored(values: Floats, dtype: str) -> Floats:
    return values.astype(FLOATS[dtype]).astype(np.float32)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("size", [1.0, 1e-3])
def test_unpacked_values_are_known_and_what_was_rounded_lies_inside(kind: str, dtype: str, size: float) -> None:
    values = weights() * np.float32(size)
    kept = stored(unpacked(values, kind), dtype)
    bounds = dequantised_bounds(kept, dtype)
    assert bounds is not None
    assert ((bounds["low"] <= values) & (values <= bounds["high"])).all()
    largest = np.abs(values).reshape(16, -1, 32).max(axis=2).repeat(32, axis=1)
    away = values + np.float32(1.2 * STEPS[kind]) * largest
    open_end = np.isinf(bounds["high"]) | np.isinf(bounds["low"])
    assert open_end.mean() < 0.05
    if size == 1:  # where float16 still keeps steps well
        assert not ((bounds["low"] <= away) & (away <= bounds["high"]))[~open_end].any()


@pytest.mark.parametrize("dtype", FLOATS)
def test_trained_values_and_other_types_have_none(dtype: str) -> None:
    assert dequantised_bounds(stored(weights(), dtype), dtype) is None
    for kind in STEPS:
        kept = stored(unpacked(weights(), kind), dtype)
        kept[9, 77] = stored(kept[9, 77:78] * np.float32(1 + 2.0**-6), dtype)[0]
        assert dequantised_bounds(kept, dtype) is None, "one value was trained"
    assert dequantised_bounds(stored(unpacked(weights(), "Q4_1"), dtype), dtype) is None


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((16, 256), np.float32),
        np.full((16, 256), np.nan, np.float32),
        np.full((16, 256), 3e38, np.float32),
        np.full((16, 256), 1e-45, np.float32),
        np.ones((16, 250), np.float32),
        np.empty((0, 64), np.float32),
        np.empty((16, 0), np.float32),
    ],
)
def test_blocks_without_values_to_tell_by_have_none(values: Floats) -> None:
    for dtype in (*FLOATS, "F8_E4M3"):
        assert dequantised_bounds(values, dtype) is None


@pytest.mark.parametrize("bits", [0x7FC00000, 0x7F800001, 0x7FA00000, 0x7F800000, 0xFF800000])
def test_a_value_that_is_no_number_ends_nothing_whichever_bits_it_has(bits: int) -> None:
    values = unpacked(weights(), "Q8_0")
    values.view(np.uint32)[5, 100] = bits
    assert dequantised_bounds(values, "F32") is None


def test_blocks_of_zeros_bound_nothing() -> None:
    values = weights()
    values[3:6, 64:128] = 0
    bounds = dequantised_bounds(unpacked(values, "Q8_0"), "F32")
    assert bounds is not None and np.isneginf(bounds["low"][3:6, 64:128]).all()
    assert np.isposinf(bounds["high"][3:6, 64:128]).all() and np.isfinite(bounds["low"][:3]).all()
