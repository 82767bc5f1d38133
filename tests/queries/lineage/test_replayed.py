"""Parents of light merges, proved by the values that merging them gives."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

from forebear.queries.answers.records import Ancestor
from forebear.queries.data.query import load_models
from forebear.queries.lineage.merges import replayed as module
from forebear.queries.lineage.merges.replayed import Replayed, replayed
from forebear.registry import Registry

from ...writers import Floats, raw, safetensors_bytes
from .recipes.family import dare, ties
from .recipes.folders import Tensors, relatives, rounded, write

LIGHT = 0.00005
"""Of weights of 0.02: half of the values stay as they were, as in real fine-tunes."""


def mixed(parents: list[Tensors], weights: list[float]) -> Tensors:
    """The weighted mean, computed in float32 and kept in bfloat16."""
    made = {}
    for name in parents[0]:
        total = np.zeros(parents[0][name].shape, np.float32)
        for parent, weight in zip(parents, weights, strict=True):
            total = (total + np.float64(np.float32(weight)) * parent[name]).astype(np.float32)
        made[name] = rounded((total / np.float32(sum(weights))).astype(np.float32))
    return made


@pytest.fixture(scope="module")
def family() -> list[Tensors]:
    """A root and four fine-tunes that moved by some thousandths."""
    return relatives(5, drift=LIGHT)


def asked(tmp_path: Path, registered: dict[str, Tensors], query: Tensors) -> list[Ancestor]:
    """The rows of an answer about a model."""
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(*(write(tmp_path / name, tensors) for name, tensors in registered.items()))
        return list(registry.ancestors(write(tmp_path / "query", query), k=10).components[0].ancestors)


def test_both_parents_of_a_light_merge_are_told_by_the_values_that_they_give(
    tmp_path: Path, family: list[Tensors]
) -> None:
    _, first, second, third, _ = family
    rows = asked(tmp_path, {"first": first, "second": second, "third": third}, mixed([first, second], [0.6, 0.4]))
    parents = {row.name: row for row in rows if row.merged_with}
    assert set(parents) == {"first", "second"}
    for row in parents.values():
        assert (row.direction, row.rank) == ("ancestor", 1)
        assert row.direction_probability >= 0.95
        assert "of its changed values bit for bit" in str(row.direction_by)


def test_what_a_merge_was_made_of_is_no_merge_of_it(tmp_path: Path, family: list[Tensors]) -> None:
    _, first, second, third, _ = family
    merge = mixed([first, second], [0.6, 0.4])
    rows = asked(tmp_path, {"merge": merge, "second": second, "third": third}, first)
    assert not [row for row in rows if row.merged_with or row.direction == "ancestor"]
    of_query = next(row for row in rows if row.name == "merge")
    assert "a merge of the query" in str(of_query.direction_by)
    assert of_query.direction_probability <= 0.1, "what the query was put into is not what it came from"


def test_of_a_parent_that_is_not_there_nothing_is_proved(tmp_path: Path, family: list[Tensors]) -> None:
    root, first, second, third, fourth = family
    merge = mixed([first, second], [0.6, 0.4])
    with Registry(tmp_path / "r.duckdb") as registry:
        made = {"root": root, "first": first, "third": third, "fourth": fourth, "second": second, "merge": merge}
        registry.ingest(*(write(tmp_path / name, tensors) for name, tensors in made.items()))
        ids = {m.name: m.model_id for m in registry.models()}
        held = load_models(registry.connection, list(ids.values()))
    parts = {name: held[model][0] for name, model in ids.items()}
    others = [parts[name] for name in ("root", "first", "third", "fourth")]
    assert replayed(parts["merge"], others, [1, 2]) is None
    found = replayed(parts["merge"], [*others, parts["second"]], [1, 2])
    assert found is not None and set(found.parents) == {1, 4}
    assert found.share > 0.99
    poisoned = deepcopy(others[0])
    poisoned.positions.value[0] = np.nan
    assert replayed(parts["merge"], [poisoned, *others[1:], parts["second"]], [1, 2]) == found, (
        "NaN leaves others alone"
    )
    assert replayed(poisoned, others, [1, 2]) is None


def test_the_parents_that_give_the_values_stand_in_the_place_of_those_on_the_line(
    tmp_path: Path, family: list[Tensors], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first, second, third, _ = family
    there = {"first": first, "second": second, "third": third}
    query = mixed([first, second], [0.6, 0.4])
    monkeypatch.setattr(module, "replayed", lambda query, relatives, named, *, by_chance: Replayed((0, 2), 0.98))
    rows = asked(tmp_path, there, query)
    named = [row.name for row in rows if row.merged_with]
    assert len(named) == 2 and set(named) != {"first", "second"}
    assert all("98.0% of its changed values" in str(row.direction_by) for row in rows if row.merged_with)


def test_what_is_a_merge_of_its_own_child_proves_nothing(
    tmp_path: Path, family: list[Tensors], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first, second, third, _ = family
    monkeypatch.setattr(module, "turned_round", lambda places, best: 0)
    rows = asked(tmp_path, {"first": first, "second": second, "third": third}, mixed([first, second], [0.6, 0.4]))
    assert not [row for row in rows if row.direction == "ancestor"]


@pytest.fixture(scope="module")
def finer() -> list[Tensors]:
    """A root and ten fine-tunes in float32, which moved by less than bfloat16 keeps of most values."""
    random = np.random.default_rng(8)
    (root,) = relatives(1)
    return [
        root,
        *(
            {
                n: (v + LIGHT * random.standard_normal(v.shape) * (v.ndim > 1)).astype(np.float32)
                for n, v in root.items()
            }
            for _ in range(10)
        ),
    ]


def cast(tensors: Tensors) -> Tensors:
    """As a tool reads them for a merge in bfloat16."""
    return {name: rounded(values) for name, values in tensors.items()}


def written(folder: Path, tensors: Tensors) -> Path:
    """A model folder in float32."""
    write(folder, tensors)
    (folder / "model.safetensors").write_bytes(safetensors_bytes({n: raw(v, "F32") for n, v in tensors.items()}))
    return folder


def test_a_merge_in_bfloat16_of_models_in_float32_names_them_among_many(tmp_path: Path, finer: list[Tensors]) -> None:
    merge = mixed([cast(finer[3]), cast(finer[8])], [0.6, 0.4])
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(*(written(tmp_path / f"m{i}", tensors) for i, tensors in enumerate(finer)))
        straight = registry.recipe(write(tmp_path / "straight", mixed([finer[3], finer[8]], [0.6, 0.4]))).recipes
        registry.ingest(write(tmp_path / "m8-bf16", finer[8]))
        query = write(tmp_path / "query", merge)
        rows = registry.ancestors(query, k=20).components[0].ancestors
        (recipe,) = registry.recipe(query).recipes
    parents = {row.name: row.direction for row in rows if row.merged_with}
    assert parents == {"m3": "ancestor", "m8": "ancestor"}, "a copy of a parent in bfloat16 is none"
    assert {p.name for p in recipe.parents} <= {"m3", "m8", "m8-bf16"} and recipe.exact_share > 0.99
    assert [round(p.weight, 2) for p in recipe.parents] == [0.6, 0.4]
    assert straight and {p.name for p in straight[0].parents} == {"m3", "m8"}, "and one of values as they are"


def test_parents_are_found_far_behind_those_that_come_first(tmp_path: Path, finer: list[Tensors]) -> None:
    merge = mixed([cast(finer[8]), cast(finer[10])], [0.6, 0.4])
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(*(written(tmp_path / f"m{i}", tensors) for i, tensors in enumerate(finer)))
        registry.ingest(write(tmp_path / "merge", merge))
        ids = {m.name: m.model_id for m in registry.models()}
        loaded = load_models(registry.connection, list(ids.values()))
    others = [loaded[ids[f"m{i}"]][0] for i in range(11)]
    found = replayed(loaded[ids["merge"]][0], others, ())
    assert found is not None and set(found.parents) == {8, 10}


def test_a_model_that_lacks_layers_does_not_hide_the_others(tmp_path: Path, finer: list[Tensors]) -> None:
    root, first, second, third, *_ = finer
    cut = {name: values for name, values in first.items() if ".layers.5." not in name}
    rows = asked(
        tmp_path, {"root": root, "cut": cut, "second": second, "third": third}, mixed([second, third], [0.6, 0.4])
    )
    assert {row.name for row in rows if row.merged_with} == {"second", "third"}


@pytest.mark.parametrize("how", ["dare", "ties"])
def test_a_merge_in_bfloat16_of_changes_in_part_names_its_parents_among_many(
    tmp_path: Path, finer: list[Tensors], how: str
) -> None:
    """Sums of few steps of a type lie on no line, and a light fine-tune of the root is nearly its base."""
    root, *others = finer

    def merged(name: str) -> Floats:
        values = [one[name].reshape(1, -1) for one in (root, others[2], others[4])]
        made = dict(dare=dare, ties=ties)[how](values[0], values[1:], (0.6, 0.5), 0.6)
        return rounded(made.astype(np.float32)).reshape(root[name].shape)

    merge = {name: merged(name) if values.ndim > 1 else values for name, values in root.items()}
    there = {"root": root} | {f"m{i}": one for i, one in enumerate(others[:6])}
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(*(written(tmp_path / name, tensors) for name, tensors in there.items()))
        rows = registry.ancestors(write(tmp_path / "query", merge), k=20).components[0].ancestors
        alone = registry.ancestors(write(tmp_path / "child", cast(others[9])), k=20).components[0].ancestors
    assert {row.name: row.direction for row in rows if row.merged_with} == {"m2": "ancestor", "m4": "ancestor"}
    assert not any(row.merged_with for row in alone)
