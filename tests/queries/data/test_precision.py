"""How coarsely weights are stored: by their type, or by the coarsest type that holds their values."""

from __future__ import annotations

import numpy as np
import pytest

from forebear.queries.data.precision import (
    ROUNDING,
    float_bits,
    fraction_bits,
    mean_levels,
    median_levels,
    precision,
    quantised,
)

from .. import components
from ..components import Model, base, changed, component, rounded

MODEL = base(1, layers=1)


def errors(model: Model, dtype: str) -> set[float]:
    found = component(model, dtype=dtype)
    return set(precision(found, np.flatnonzero(found.scorable)).tolist())


@pytest.mark.parametrize(
    ("dtype", "error"),
    [("F32", ROUNDING["F32"]), ("Q4_K", 0.16), ("NF4", 0.18), ("Q8_0", 0.015), ("F8_E5M2", 0.1), ("MXFP4", 0.16)],
)
def test_a_type_has_the_error_of_its_rounding(dtype: str, error: float) -> None:
    assert errors(MODEL, dtype) == {error}


def test_values_that_a_coarser_float_holds_have_its_error_whatever_the_type() -> None:
    assert errors(rounded(MODEL), "F32") == {ROUNDING["BF16"]}
    half = changed(MODEL, lambda t: t.value.astype(np.float16).astype(np.float32))
    assert errors(half, "F32") == {ROUNDING["F16"]}


def test_values_beyond_half_precision_are_no_half_precision() -> None:
    large = changed(MODEL, lambda t: t.value * 1e9)
    assert errors(large, "F32") == {ROUNDING["F32"]}


def test_two_bits_excuse_nothing() -> None:
    assert errors(MODEL, "Q2_K") == {ROUNDING["F32"]}


def test_each_tensor_has_its_own() -> None:
    mixed = tuple(u if t.role in {"q", "embed"} else t for t, u in zip(MODEL, rounded(MODEL), strict=True))
    found = component(mixed)
    tensors = np.flatnonzero(found.scorable)
    expected = [ROUNDING["BF16" if found.roles[t] in {"q", "embed"} else "F32"] for t in tensors]
    assert precision(found, tensors).tolist() == expected


@pytest.mark.parametrize(
    ("values", "bits"),
    [
        ([1.0, 1 + 2**-7], 7),
        ([1.0, 1 + 2**-10], 10),  # the last bit of float16
        ([1.0, 1 + 2**-11], 23),
        ([1.0, 1 + 2**-23], 23),
        ([1e9, 1 + 2**-10], 23),  # float16 ends at 65,504
        ([1.0, np.nan], 23),
    ],
)
def test_the_bits_are_those_of_the_coarsest_type_that_holds_all_values(values: list[float], bits: int) -> None:
    assert float_bits(np.array(values, np.float32)) == bits


def test_what_is_kept_of_a_component_is_kept_apart() -> None:
    coarse = components.quantised(MODEL, 4)
    mixed = tuple(t if t.role in {"q", "k"} else u for t, u in zip(MODEL, coarse, strict=True))
    functions = (quantised, mean_levels, median_levels, fraction_bits)
    together = component(mixed)
    expected = [function(component(mixed)) for function in functions]
    assert len(set(expected)) == len(functions)
    for _ in range(2):
        assert [function(together) for function in functions] == expected
