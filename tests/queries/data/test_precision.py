"""How coarsely weights are stored: by their type, or by the coarsest type that holds their values."""

from __future__ import annotations

import numpy as np
import pytest

from forebear.queries.data.precision import ROUNDING, precision

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
