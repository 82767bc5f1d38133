"""Models that hold the same weights, whatever they are stored as, and those that hardly differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forebear.queries.relation.same_values import same_tensors, same_values

from ..components import Model, base, changed, component, drifted, quantised, rounded, without

MODEL = base(1)


def one_changed(role: str) -> Model:
    """The model with one tensor of a role moved."""
    at = next(i for i, t in enumerate(MODEL) if t.role == role)
    return (*MODEL[:at], replace(MODEL[at], value=MODEL[at].value + np.float32(0.25)), *MODEL[at + 1 :])


def test_a_model_holds_its_own_values_in_any_coarser_type() -> None:
    for other in (MODEL, rounded(MODEL)):
        assert same_values(component(MODEL), component(other, 2))
    codes = quantised(MODEL, 4)
    assert same_values(component(codes, dtype="Q4_0"), component(rounded(codes), 2))


@pytest.mark.parametrize("role", ["q", "down", "norm", "embed"])
def test_one_tensor_that_differs_or_is_missing_makes_another_model(role: str) -> None:
    assert not same_values(component(MODEL), component(one_changed(role), 2))
    assert not same_values(component(MODEL), component(without(MODEL, role), 2))


def test_what_drifted_or_was_rounded_to_few_levels_holds_other_values() -> None:
    for other in (drifted(MODEL, 0.01, 2), quantised(MODEL, 4), changed(MODEL, lambda t: t.value * 2)):
        assert not same_values(component(MODEL), component(other, 2))


def test_the_same_tensors_have_the_same_names_and_digests() -> None:
    assert same_tensors(component(MODEL), component(MODEL, 2))
    assert not same_tensors(component(MODEL), component(one_changed("norm"), 2))
    assert not same_tensors(component(MODEL), component(MODEL[:-1], 2))
