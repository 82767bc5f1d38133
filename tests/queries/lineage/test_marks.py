"""Marks that a later model bears, each beside the change that looks like it and is none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.evidence.pair import compare
from forebear.queries.lineage.marks import order_by_marks
from forebear.queries.relation.flags import relate

from ..bounded import bounded, drifted, on_steps
from ..components import Model, Tensor, base, changed, component, quantised, rounded, trained, with_layers

DEQUANTISED = quantised(base(1), 4)
LIGHT = trained(DEQUANTISED, 0.0003, 2)


def marked(query: Model, candidate: Model) -> tuple[str | None, tuple[str, ...], bool]:
    return order_by_marks(compare(component(query), component(candidate, 2), 10))


def test_a_light_fine_tune_of_a_dequantised_file_came_later_and_is_no_copy_of_it() -> None:
    name = "trained off the levels of a quantised file"
    assert marked(LIGHT, DEQUANTISED) == ("query_later", (name,), False)
    assert marked(DEQUANTISED, LIGHT) == ("candidate_later", (name,), False)
    assert relate(compare(component(LIGHT), component(DEQUANTISED, 2), 10)).flags == ("finetuned",)


def test_a_rounding_to_few_levels_bears_no_mark_and_is_a_copy() -> None:
    assert marked(DEQUANTISED, base(1)) == (None, (), False)
    assert relate(compare(component(DEQUANTISED), component(base(1), 2), 10)).flags == ("numeric_copy",)


def partly_trained(model: Model) -> Model:
    """A child in float32: training moved half of the values."""
    random = np.random.default_rng(3)

    def change(t: Tensor) -> NDArray[np.floating]:
        moved = t.value * (1 + 0.01 * random.standard_normal(t.value.shape))
        return np.where(random.random(t.value.shape) < 0.5, moved, t.value)

    return changed(model, change)


def test_float32_that_keeps_the_values_of_a_bfloat16_file_came_later() -> None:
    coarse, finer = rounded(base(1)), partly_trained(rounded(base(1)))
    name = "values of a coarser file kept"
    assert marked(finer, coarse) == ("query_later", (name,), False)
    assert marked(coarse, finer) == ("candidate_later", (name,), False)
    assert marked(rounded(finer), coarse) == (None, (), False), "of two files in bfloat16 either may come first"
    assert marked(coarse, base(1)) == (None, (), False), "a rounding keeps no value"


def test_the_codes_of_a_near_relative_were_made_after_what_fills_their_steps() -> None:
    name = "rounded to the codes of a quantised file"
    tuned = drifted(base(1), 1e-4)
    copy = bounded(base(1), 1e-3, dtype="F16")
    assert order_by_marks(compare(copy, component(tuned, 2), 10)) == ("query_later", (name,), False)
    other = bounded(base(1), 1e-3, dtype="F16", model_id=2)
    assert order_by_marks(compare(component(tuned), other, 10)) == ("candidate_later", (name,), False)


def test_what_was_trained_on_the_codes_lightly_or_heavily_bears_no_such_mark() -> None:
    step = 1e-3
    copy = bounded(base(1), step, dtype="F16")
    levels, random = on_steps(base(1), step), np.random.default_rng(4)

    def tuned(size: float) -> Model:
        """Trained on the levels, by so much of a half step."""

        def change(t: Tensor) -> NDArray[np.floating]:
            noise = size * step / 2 * random.standard_normal(t.value.shape)
            return t.value + noise if t.value.ndim > 1 else t.value

        return changed(levels, change)

    for size in (0.05, 0.3, 0.6, 0.7, 1.0, 3.0):
        order, names, _ = order_by_marks(compare(copy, component(tuned(size), 2), 10))
        assert order != "query_later" and "rounded to the codes of a quantised file" not in names


def test_layers_that_were_left_out_in_the_middle_are_a_mark() -> None:
    whole = base(1, layers=6)
    name = "layers cut or doubled"
    assert marked(with_layers(whole, [0, 1, 4, 5]), whole) == ("query_later", (name,), False)
    assert marked(with_layers(whole, [0, 1, 1, 2, 3, 4, 5]), whole) == ("query_later", (name,), False)


@pytest.mark.parametrize("layers", [[0, 1, 2, 3], [2, 3, 4, 5]])
def test_the_first_or_last_layers_alone_are_none(layers: list[int]) -> None:
    """A layer that was put on to a model, or two models in one stack, look the same from there."""
    whole = base(1, layers=6)
    assert marked(with_layers(whole, layers), whole) == (None, (), False)
