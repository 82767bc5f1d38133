"""A weight norm is the matrix that it makes, whatever its parts are called and however long a direction is."""

from __future__ import annotations

import numpy as np
import pytest

from forebear.ingest.layouts.weight_norm import without_weight_norm
from forebear.ingest.storage.logical import LogicalTensor, RowMajor
from forebear.queries.relation.rounding import float_rounding
from forebear.queries.thresholds.relation import STEPS_OF_RECOMPUTING

from ..formats.writers_fused import Floats, Tensors
from .test_frameworks import made
from .test_fused import evidence

SHAPE = (32, 16, 3)
OLD = ("weight_g", "weight_v")
NEW = ("parametrizations.weight.original0", "parametrizations.weight.original1")


def vocoder(names: tuple[str, str] | None, stretched: float = 1.0, seed: int = 3) -> Tensors:
    """Convolutions of a vocoder with a weight norm under these names, or multiplied out as torch does in float32."""
    random = np.random.default_rng(seed)
    found: Tensors = {}
    for at in range(4):
        length = np.abs(random.normal(1, 0.2, (SHAPE[0], 1, 1))).astype(np.float32)
        direction = (random.normal(0, 0.05, SHAPE) * stretched).astype(np.float32)
        found[f"resblocks.0.convs1.{at}.bias"] = random.normal(size=SHAPE[0]).astype(np.float32)
        if names:
            found |= {f"resblocks.0.convs1.{at}.{n}": x for n, x in zip(names, (length, direction), strict=True)}
        else:
            found[f"resblocks.0.convs1.{at}.weight"] = folded(length, direction)
    return found


def folded(length: Floats, direction: Floats) -> Floats:
    """g / |v| first, then times v, every step in float32: torch's order."""
    norm = np.sqrt(np.square(direction).sum(axis=(1, 2), keepdims=True, dtype=np.float32))
    return np.asarray(direction * (length / norm), np.float32)


@pytest.mark.parametrize("stretched", [1.0, 4.0])
def test_both_names_of_a_weight_norm_and_any_length_of_its_directions_are_one_model(stretched: float) -> None:
    assert evidence(made(vocoder(NEW, stretched), {})) == evidence(made(vocoder(OLD), {}))


def test_it_has_the_places_of_the_model_without_it() -> None:
    normed, plain = made(vocoder(OLD), {}), made(vocoder(None), {})
    assert [t.named.place for t in normed.tensors] == [t.named.place for t in plain.tensors]
    assert not normed.skipped


def test_values_that_were_computed_twice_are_a_copy_and_others_are_not() -> None:
    for width in (24, 512, 8192):
        random = np.random.default_rng(width)
        direction = random.normal(0, 0.05, (8, width, 1)).astype(np.float32)
        length = np.abs(random.normal(1, 0.2, (8, 1, 1))).astype(np.float32)
        exact = length * direction / np.sqrt(np.square(direction.astype(np.float64)).sum(axis=(1, 2), keepdims=True))
        first, second = exact.astype(np.float32).reshape(-1), folded(length, direction).reshape(-1)
        assert not np.array_equal(first, second) and float_rounding(first, second)
        moved = second.copy()
        moved[3] = second[3] + 4 * STEPS_OF_RECOMPUTING * np.spacing(np.abs(second[3]))
        assert not float_rounding(first, moved)


@pytest.mark.parametrize("length", [(1, 1, 3), (32,), (16, 1, 1)])
def test_lengths_along_another_axis_stay_as_they_are(length: tuple[int, ...]) -> None:
    tensors = [
        LogicalTensor(name, "F32", shape, RowMajor("f", 0, "F32", shape[-1]))
        for name, shape in (("conv.weight_g", length), ("conv.weight_v", SHAPE))
    ]
    assert without_weight_norm(tensors) == tensors


def test_a_weight_beside_the_norm_keeps_its_name() -> None:
    tensors = [
        LogicalTensor(name, "F32", shape, RowMajor("f", 0, "F32", shape[-1]))
        for name, shape in (("c.weight", SHAPE), ("c.weight_g", (32, 1, 1)), ("c.weight_v", SHAPE))
    ]
    assert without_weight_norm(tensors) == tensors


def test_a_row_without_a_direction_is_zero() -> None:
    tensors = vocoder(OLD)
    tensors["resblocks.0.convs1.0.weight_v"][2] = 0
    found = next(t for t in made(tensors, {}).tensors if t.named.tensor.name == "resblocks.0.convs1.0.weight")
    assert found.positions is not None and np.isfinite(found.positions).all()


@pytest.mark.parametrize("size", [np.inf, np.nan, 3e38])
def test_lengths_beyond_float32_are_counted_as_values_that_are_no_numbers(size: float) -> None:
    tensors = vocoder(OLD)
    tensors["resblocks.0.convs1.0.weight_g"][2] = size
    tensors["resblocks.0.convs1.0.weight_v"][2] = np.eye(1, 48, dtype=np.float32).reshape(16, 3)  # of length 1
    tensors["resblocks.0.convs1.1.weight_v"][2] = np.nan
    found = {t.named.tensor.name: t.statistics for t in made(tensors, {}).tensors}
    first, second = (found[f"resblocks.0.convs1.{n}.weight"] for n in (0, 1))
    assert first is not None and second is not None
    assert first.nonfinite == (0 if np.isfinite(size) else 48) and second.nonfinite == 48
