"""Config, parameters and what can be compared, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from forebear.queries.comparison.pair.config_keys import RENAMED
from forebear.queries.comparison.records.comparison import Comparison
from forebear.registry import Registry

from ....writers import llama, llama_config, model_files, tokenizer_json, words, write_files


@pytest.fixture(scope="module")
def birch_cedar(zoo_registry: Path) -> Comparison:
    with Registry(zoo_registry, read_only=True) as registry:
        return registry.compare("birch", "cedar", controls=[])


def model(folder: Path, **config: Any) -> Path:
    tensors = llama(1)
    usual = {**llama_config(tensors), **config}
    return write_files(folder, model_files(tensors, config=usual, tokenizer=tokenizer_json(words(96))))


def test_renamed_keys_are_one_setting(tmp_path: Path) -> None:
    a = model(tmp_path / "a", num_hidden_layers=2, num_attention_heads=4, odd=1)
    b = model(tmp_path / "b", n_layer=2, n_head=8, even=[1, 2])
    with Registry(tmp_path / "r.duckdb") as registry:
        rows = {row.key: row for row in registry.compare(a, b, controls=[]).architecture.config}
    assert (rows["num_hidden_layers"].status, rows["num_hidden_layers"].renamed) == ("equal", True)
    assert [value.name for value in rows["num_hidden_layers"].values] == ["num_hidden_layers", "n_layer"]
    assert (rows["num_attention_heads"].status, rows["hidden_size"].renamed) == ("different", False)
    assert (rows["odd"].status, rows["even"].status) == ("only A", "only B")


def test_no_name_means_two_settings() -> None:
    names = [name for row in RENAMED for name in row]
    assert len(names) == len(set(names))


def test_parameters_are_counted_from_shapes(birch_cedar: Comparison) -> None:
    rows = [r for r in birch_cedar.architecture.parameters if r.model == "A"]
    whole = {r.part: r.parameters for r in rows if r.layer is None and r.part != "embedding"}
    layered = [r for r in rows if r.layer == 3]
    assert {r.part for r in layered} == {"q", "k", "v", "o", "gate", "up", "down", "norm"}
    assert whole["q"] == 6 * 80 * 80 and next(r.parameters for r in layered if r.part == "q") == 6400
    total = sum(r.parameters for r in rows if r.layer is None)
    assert total == birch_cedar.models[0].parameters


def test_routed_experts_are_counted_apart(zoo_registry: Path) -> None:
    with Registry(zoo_registry, read_only=True) as registry:
        found = registry.compare("alder-moe", "alder", controls=[])
    parts = {(r.model, r.part): r.parameters for r in found.architecture.parameters if r.layer is None}
    dense = sum(parts["B", role] for role in ("gate", "up", "down"))
    assert parts["A", "routed experts"] == 4 * dense and parts["A", "router"] > 0
    assert sum(p for (m, _), p in parts.items() if m == "A") == found.models[0].parameters


def test_what_cannot_be_compared_is_named_with_its_reason(birch_cedar: Comparison) -> None:
    found = birch_cedar.architecture.comparability[0]
    reasons = {(one.model, one.role, one.reason) for one in found.incomparable}
    assert ("A", "q", "its width 80 differs from 64 in B") in reasons
    assert ("B", "bias", "A has no bias (q) in its layers") in reasons
    assert found.share_first < 0.5


def test_models_of_one_shape_are_comparable_throughout(zoo_registry: Path) -> None:
    with Registry(zoo_registry, read_only=True) as registry:
        found = registry.compare("alder", "birch", controls=[]).architecture.comparability[0]
    assert (found.share_first, found.share_second, found.incomparable) == (1.0, 1.0, ())
