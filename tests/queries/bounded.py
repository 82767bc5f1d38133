"""Components of quantised models that come with the bounds of their values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forebear.queries.data.component import Component, Evidence

from .components import Model, component


def drifted(model: Model, drift: float) -> Model:
    """Every matrix in layers with Gaussian drift of so much of each value, in float32."""
    random = np.random.default_rng(3)
    return tuple(
        replace(t, value=(t.value * (1 + drift * random.standard_normal(t.value.shape))).astype(np.float32))
        if t.value.ndim > 1 and t.role != "embed"
        else t
        for t in model
    )


def on_steps(model: Model, step: float) -> Model:
    """Every matrix as multiples of a step."""
    return tuple(
        replace(t, value=(np.rint(t.value / step) * step).astype(np.float32)) if t.value.ndim > 1 else t for t in model
    )


def bounded(model: Model, step: float, dtype: str = "Q8_0", model_id: int = 1) -> Component:
    """The component of a model whose matrices are multiples of a step, with bounds of half of it."""
    made = component(on_steps(model, step), model_id, dtype=dtype)
    held = made.positions
    sides = [held.value - step / 2 * 1.001, held.value + step / 2 * 1.001]
    bounds = Evidence(held.tensor, np.concatenate(sides, axis=1).astype(np.float32))
    return replace(made, kinds=dict(made.kinds) | {"bounds": bounds})
