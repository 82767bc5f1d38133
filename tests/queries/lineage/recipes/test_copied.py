"""Recipes of what is put together: an adapter in its base, and experts that are feed-forwards of dense models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from forebear.queries.lineage.recipes.records import Recipe
from forebear.registry import Registry

from ....writers import Floats, llama
from .folders import adapter, experts, merged, relatives, rounded, write, write_adapter


def asked(tmp_path: Path, registered: Sequence[Path], model: Path) -> tuple[Recipe, ...]:
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(*registered)
        return tuple(registry.recipe(model).recipes)


@pytest.mark.parametrize(("rank", "weight"), [(8, 1.0), (4, 1.0), (8, 0.7)])
def test_an_adapter_that_was_merged_is_told_with_its_base_and_its_weight(
    tmp_path: Path, rank: int, weight: float
) -> None:
    base, sibling = relatives(2)
    factors, others = adapter(base, rank=rank), adapter(base, rank=rank, seed=1)
    registered = [write(tmp_path / "base", base), write(tmp_path / "sibling", sibling)]
    registered += [
        write_adapter(tmp_path / "other", others, 16),
        write_adapter(tmp_path / "adapter", factors, 16),
    ]
    (recipe,) = asked(tmp_path, registered, write(tmp_path / "model", merged(base, factors, weight * 16 / rank)))
    assert (recipe.method, recipe.base) == ("lora", "base")
    assert [(parent.name, parent.weight) for parent in recipe.parents] == [("adapter", weight)]
    assert recipe.changed_share >= 0.97 and recipe.rival_share < 0.5
    assert recipe.mergekit is not None
    config = yaml.safe_load(recipe.mergekit)
    assert config["models"][0]["model"] == f"{tmp_path / 'base'}+{tmp_path / 'adapter'}"
    assert config["merge_method"] == ("passthrough" if weight == 1 else "task_arithmetic")


def test_a_base_is_not_its_own_merge_with_the_adapter_taken_off(tmp_path: Path) -> None:
    base, _ = relatives(2)
    factors = adapter(base)
    registered = [
        write(tmp_path / "merged", merged(base, factors, 1.0)),
        write_adapter(tmp_path / "adapter", factors, 8),
    ]
    assert not any(one.method == "lora" for one in asked(tmp_path, registered, write(tmp_path / "base", base)))


def test_the_mean_of_two_adapters_is_asked_like_any_other(tmp_path: Path) -> None:
    """Factors keep places by rank, and not of 16 rows: this ended in an error, and an audit with it."""
    base, _ = relatives(2)
    one, other = adapter(base), adapter(base, seed=1)
    half = np.float32(0.5)
    mean = {name: (half * (a + other[name][0]), half * (b + other[name][1])) for name, (a, b) in one.items()}
    registered = [write(tmp_path / "base", base), write_adapter(tmp_path / "one", one, 16)]
    registered.append(write_adapter(tmp_path / "other", other, 16))
    model = write_adapter(tmp_path / "mean", mean, 16)
    (recipe,) = asked(tmp_path, registered, model)
    assert {(parent.name, round(parent.weight, 2)) for parent in recipe.parents} == {("one", 0.5), ("other", 0.5)}


def layers_of(first: Mapping[str, Floats], second: Mapping[str, Floats], cut: int) -> dict[str, Floats]:
    """The first model up to a layer, the second from there on, each in its own places."""
    late = {name for name in first if ".layers." in name and int(name.split(".")[2]) >= cut}
    return {name: second[name] if name in late else values for name, values in first.items()}


def stranger() -> dict[str, Floats]:
    return {name: rounded(values.astype(np.float32)) for name, values in llama(7, layers=6).items()}


def test_layers_of_strangers_in_their_own_places_are_a_passthrough(tmp_path: Path) -> None:
    """A relative of the one that shares its lower layers made this a model stock, a t of its own for every tensor."""
    (first, child), second = relatives(2), stranger()
    frozen = layers_of(first, child, 4)
    registered = [write(tmp_path / "a-frozen", frozen), write(tmp_path / "first", first)]
    registered.append(write(tmp_path / "second", second))
    (recipe,) = asked(tmp_path, registered, write(tmp_path / "model", layers_of(first, second, 3)))
    assert recipe.method == "passthrough"
    assert [p.name for p in recipe.parents][1] == "second" and [p.weight for p in recipe.parents] == [0.5, 0.5]
    assert {recipe.parents[0].name, *recipe.parents[0].coincides} == {"first", "a-frozen"}


def test_layers_of_relatives_in_their_own_places_are_no_model_stock(tmp_path: Path) -> None:
    """They may as well be what both come from, each trained in other layers."""
    base, child = relatives(2)
    frozen = layers_of(child, rounded_apart(child), 3)
    registered = [write(tmp_path / "base", base), write(tmp_path / "child", child), write(tmp_path / "frozen", frozen)]
    assert not asked(tmp_path, registered, write(tmp_path / "model", layers_of(child, base, 3)))


def rounded_apart(model: Mapping[str, Floats]) -> dict[str, Floats]:
    """The model trained on: every matrix moved."""
    random = np.random.default_rng(5)
    return {n: rounded((v + 0.001 * random.standard_normal(v.shape)).astype(np.float32)) for n, v in model.items()}


def test_parents_are_found_for_a_base_that_is_named(tmp_path: Path) -> None:
    """Of few values none are left out for speed: two searches kept what they found under one name, and ended so."""
    base, one, other = relatives(3, drift=0.05)
    half = np.float32(0.5)
    made = {n: rounded((v + half * (one[n] - v + other[n] - v)).astype(np.float32)) for n, v in base.items()}
    registered = [write(tmp_path / name, model) for name, model in dict(base=base, one=one, other=other).items()]
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(*registered)
        (recipe,) = registry.recipe(write(tmp_path / "model", made), base="base").recipes
    assert (recipe.method, recipe.base) == ("task_arithmetic", "base")
    assert {(parent.name, round(parent.weight, 2)) for parent in recipe.parents} == {("one", 0.5), ("other", 0.5)}


def test_a_fine_tune_beside_an_adapter_of_its_base_is_no_merge_of_it(tmp_path: Path) -> None:
    base, child = relatives(2)
    registered = [write(tmp_path / "base", base), write_adapter(tmp_path / "adapter", adapter(base), 16)]
    assert asked(tmp_path, registered, write(tmp_path / "model", child)) == ()


def test_an_adapter_merged_into_a_model_that_was_trained_further_is_not_told(tmp_path: Path) -> None:
    base, other = relatives(2)
    factors = adapter(base)
    model = merged(base, factors, 2.0) | {n: v for n, v in other.items() if ".mlp." in n}
    registered = [write(tmp_path / "base", base), write_adapter(tmp_path / "adapter", factors, 16)]
    assert asked(tmp_path, registered, write(tmp_path / "model", model)) == ()


def test_every_expert_is_told_with_the_model_that_it_was_copied_from(tmp_path: Path) -> None:
    models = relatives(4)
    registered = [write(tmp_path / name, model) for name, model in zip("abcd", models, strict=True)]
    tensors, config = experts(models[1], [models[2], models[1], models[2], models[3]])
    (recipe,) = asked(tmp_path, registered, write(tmp_path / "mixture", tensors, config))
    assert (recipe.method, recipe.base, recipe.exact_share) == ("moe", "b", 1.0)
    assert {parent.name: parent.weight for parent in recipe.parents} == {"c": 0.5, "b": 0.25, "d": 0.25}
    assert recipe.rival_share < 0.5
    assert any("routers do not follow from the parents" in note for note in recipe.notes)
    assert recipe.mergekit is not None
    said = yaml.safe_load(recipe.mergekit)
    assert said["base_model"] == str(tmp_path / "b") and said["gate_mode"] == "random"
    assert [expert["source_model"] for expert in said["experts"]] == [str(tmp_path / name) for name in "cbcd"]


def test_experts_that_were_trained_are_nobodys_copies(tmp_path: Path) -> None:
    models = relatives(3)
    trained = {name: rounded(values * 1.01) if ".mlp." in name else values for name, values in models[2].items()}
    registered = [write(tmp_path / name, model) for name, model in zip("abc", models, strict=True)]
    tensors, config = experts(models[1], [models[1], trained])
    assert asked(tmp_path, registered, write(tmp_path / "mixture", tensors, config)) == ()
