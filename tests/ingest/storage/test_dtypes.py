"""Values of every element type, against ml_dtypes and numpy."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebear.ingest.storage.dtypes import BITS, FLOATS, UNDECODABLE, decode, nbytes

from ...writers import NUMPY

SMALL = [d for d in NUMPY if BITS[d] == 8]
SIXTEEN = [d for d in NUMPY if BITS[d] == 16]
F4_VALUES = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6]


def check(pattern: np.ndarray[Any, Any], dtype: str) -> None:
    with np.errstate(invalid="ignore"):
        expected = pattern.view(NUMPY[dtype]).astype(np.float32)
    found = decode(pattern.tobytes(), dtype)
    assert found.dtype == np.float32
    assert np.array_equal(found, expected, equal_nan=True)
    assert np.array_equal(np.signbit(found[~np.isnan(found)]), np.signbit(expected[~np.isnan(expected)]))


@pytest.mark.parametrize("dtype", SMALL)
def test_all_256_patterns_of_an_8_bit_type(dtype: str) -> None:
    check(np.arange(256 if dtype != "BOOL" else 2, dtype=np.uint8), dtype)


@pytest.mark.parametrize("dtype", SIXTEEN)
def test_all_65536_patterns_of_a_16_bit_type(dtype: str) -> None:
    check(np.arange(1 << 16, dtype=np.uint16), dtype)


@pytest.mark.parametrize("dtype", ["F32", "F64", "I32", "U32", "I64", "U64"])
def test_random_patterns_of_a_wide_type(dtype: str) -> None:
    words = np.random.default_rng(2).integers(0, 1 << 64, 4096, np.uint64, endpoint=False)
    with np.errstate(over="ignore"):
        check(words, dtype)


@pytest.mark.parametrize(
    ("dtype", "pattern", "value"),
    [
        ("F8_E4M3", 0x7E, 448.0),
        ("F8_E4M3", 0x01, 2.0**-9),
        ("F8_E5M2", 0x7B, 57344.0),
        ("F8_E5M2", 0x7C, np.inf),
        ("F8_E4M3FNUZ", 0x7F, 240.0),
        ("F8_E5M2FNUZ", 0x7F, 57344.0),
        ("F8_E8M0", 127, 1.0),
        ("F8_E8M0", 0, 2.0**-127),
    ],
)
def test_known_values_of_8_bit_floats(dtype: str, pattern: int, value: float) -> None:
    assert decode(bytes([pattern]), dtype).tolist() == [value]


def test_4_bit_values_lie_two_a_byte_the_low_half_first() -> None:
    packed = bytes(low | high << 4 for low, high in zip(range(0, 16, 2), range(1, 16, 2), strict=True))
    assert decode(packed, "F4").tolist() == F4_VALUES
    assert np.arange(16, dtype=np.uint8).view(ml_dtypes.float4_e2m1fn).astype(np.float32).tolist() == F4_VALUES
    assert decode(b"\x52", "F4").tolist() == [1.0, 3.0]


def test_doubles_beyond_float32_become_infinite_without_a_warning() -> None:
    assert decode(np.array([1e300, -1e300, 1e-300]).tobytes(), "F64").tolist() == [np.inf, -np.inf, 0]


@pytest.mark.parametrize("dtype", sorted(set(BITS) - UNDECODABLE))
def test_nothing_decodes_to_nothing(dtype: str) -> None:
    assert decode(b"", dtype).shape == (0,)


def test_floats_are_what_weights_are_trained_in() -> None:
    assert {d for d in BITS if d not in FLOATS} == {
        "BOOL", "U8", "I8", "I16", "U16", "I32", "U32", "I64", "U64", "C64",
    }  # fmt: skip


@given(st.sampled_from(sorted(BITS)), st.integers(0, 1 << 70))
def test_bytes_are_rounded_up_to_whole_ones(dtype: str, elements: int) -> None:
    assert 8 * nbytes(dtype, elements) - 8 < BITS[dtype] * elements <= 8 * nbytes(dtype, elements)
