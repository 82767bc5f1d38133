"""Models on one line, or at the corners of a parallelogram, that no merge made: one change at several strengths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forebear.registry import Registry

from .recipes.folders import Tensors, adapter, relatives, rounded, write

HEAVY = 0.001
"""Of weights of 0.02: nearly every value differs, as after a long training."""


def moved(start: Tensors, seed: int, strength: float = 1.0) -> Tensors:
    """A model with one change, of a strength, in every matrix, as an adapter merged into it makes."""
    random = np.random.default_rng(seed)
    change = {n: HEAVY * random.standard_normal(v.shape) * (v.ndim > 1) for n, v in start.items()}
    return {n: rounded((v + strength * change[n]).astype(np.float32)) for n, v in start.items()}


def registry_of(tmp_path: Path, models: dict[str, Tensors]) -> Registry:
    registry = Registry(tmp_path / "r.duckdb")
    registry.ingest(*(write(tmp_path / name, tensors) for name, tensors in models.items()))
    return registry


def told(registry: Registry, name: str) -> set[str]:
    rows = registry.ancestors(name, k=10).components[0].ancestors
    return {row.name for row in rows if row.direction == "ancestor"}


def descendants(registry: Registry, name: str) -> list[str]:
    rows = registry.descendants(name).components[0].ancestors
    return [row.name for row in rows if row.direction == "descendant"]


@pytest.fixture(scope="module")
def root() -> Tensors:
    return relatives(1)[0]


def test_a_change_at_several_strengths_makes_no_merge_of_the_one_between(tmp_path: Path, root: Tensors) -> None:
    """The middle one was told to be a merge of the base and of the strongest, its ancestors at 0.97."""
    models = {f"strength {s}": moved(root, 1, s) for s in (0.0, 0.5, 1.0, 2.0)} | {"other": moved(root, 2)}
    with registry_of(tmp_path, models) as registry:
        assert not [name for name in models if told(registry, name)]
        assert not descendants(registry, "strength 2.0")


def test_what_a_change_was_added_to_is_no_merge_of_what_it_made(tmp_path: Path, root: Tensors) -> None:
    """Of base, two fine-tunes and the sum of their changes each is a sum of the others: one alone comes out."""
    first, second = moved(root, 1), moved(root, 2)
    total = {n: rounded((first[n] + second[n] - root[n]).astype(np.float32)) for n in root}
    models = {"root": root, "first": first, "second": second, "sum": total, "other": moved(root, 3)}
    with registry_of(tmp_path, models) as registry:
        assert told(registry, "sum") == {"first", "second"}
        assert [name for name in models if told(registry, name)] == ["sum"]


def test_a_merge_at_heavy_drift_is_told_from_its_parents_side_too(tmp_path: Path, root: Tensors) -> None:
    first, second = moved(root, 1), moved(root, 2)
    merge = {n: rounded((np.float32(0.7) * first[n] + np.float32(0.3) * second[n]).astype(np.float32)) for n in root}
    with registry_of(tmp_path, {"root": root, "first": first, "second": second, "merge": merge}) as registry:
        assert told(registry, "merge") == {"first", "second"}
        assert descendants(registry, "first") == ["merge"]


@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
def test_a_sum_that_hardly_needs_one_of_its_models_is_no_recipe(tmp_path: Path, root: Tensors, strength: float) -> None:
    """The first of two equal steps came near by three weights on the base of a fourth model: 97.2 to 99.3 %."""

    def with_adapter(base: Tensors, seed: int) -> Tensors:
        factors = adapter(root, seed=seed).items()
        changed = {f"{module}.weight": (strength * (up @ down)).astype(np.float32) for module, (down, up) in factors}
        return base | {name: rounded(base[name] + change) for name, change in changed.items()}

    once = with_adapter(root, 1)
    models = {"root": root, "once": once, "twice": with_adapter(once, 1)}
    models |= {"other": with_adapter(root, 2), "both": with_adapter(once, 2)}
    with registry_of(tmp_path, models) as registry:
        assert not registry.recipe("once").recipes
