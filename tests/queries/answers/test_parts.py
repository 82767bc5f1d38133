"""Where every part of a model comes from, on models put together from those of the bundled zoo."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from forebear.registry import Registry
from forebear.registry.reports.parts import PartsReport, part_rows, runs, shares

Weights = dict[str, NDArray[np.generic]]
LAYERS = 6
WITHOUT = ("alder-merge", "alder-4bit", "alder-permuted", "alder-rotated")
"""Copies, and what lies between two others: they explain a block as well as what it was taken from."""


@pytest.fixture(scope="module")
def registry(zoo_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zoo without what is as near to a block as the model that it was taken from."""
    path = Path(shutil.copy(zoo_registry, tmp_path_factory.mktemp("parts") / "registry.duckdb"))
    with Registry(path) as opened:
        for name in WITHOUT:
            opened.remove(name)
    return path


@pytest.fixture
def weights(zoo: Path) -> Callable[[str], Weights]:
    """The tensors of a model of the zoo."""
    assert ml_dtypes.bfloat16  # numpy knows the type of the files by it
    return lambda name: load_file(zoo / name / "model.safetensors")


def written(folder: Path, tensors: Mapping[str, NDArray[np.generic]], like: Path) -> Path:
    """A model of those tensors, with the config and the tokenizer of another one."""
    shutil.copytree(like, folder, ignore=shutil.ignore_patterns("*.safetensors*", "README.md"))
    save_file(dict(tensors), folder / "model.safetensors")
    return folder


def layer_of(name: str) -> int | None:
    return int(name.split(".")[2]) if name.startswith("model.layers.") else None


def stacked(sources: list[Weights]) -> Weights:
    """Layer i of the i-th source; all else of the first."""
    found = {name: value for name, value in sources[0].items() if layer_of(name) is None}
    for layer, source in enumerate(sources):
        found |= {name: value for name, value in source.items() if layer_of(name) == layer}
    return found


def moved(tensors: Weights, share: float) -> Weights:
    """Every weight matrix changed by noise of that relative size, as a light training would."""
    random = np.random.default_rng(5)
    found = {}
    for name, value in tensors.items():
        plain = value.astype(np.float32)
        noise = random.standard_normal(plain.shape).astype(np.float32) * share * plain.std()
        found[name] = (plain + noise).astype(value.dtype) if value.ndim == 2 else value
    return found


def asked(registry: Path, model: str | Path) -> PartsReport:
    with Registry(registry, read_only=True) as opened:
        return opened.parts(model)


def by_block(report: PartsReport) -> dict[str, object]:
    return {str(row["block"]): row["model"] for row in part_rows(report)}


@pytest.mark.parametrize("share", [0.0, 0.02])
@pytest.mark.parametrize("pair", [("alder", "birch"), ("alder-docs", "alder-tests"), ("alder", "alder-long")])
def test_every_layer_of_a_frankenmerge_is_found_where_it_was_taken_from(
    registry: Path, zoo: Path, weights: Callable[[str], Weights], tmp_path: Path, pair: tuple[str, str], share: float
) -> None:
    order = [pair[0]] * 3 + [pair[1]] * 3
    model = written(tmp_path / "franken", moved(stacked([weights(n) for n in order]), share), zoo / "alder")
    report = asked(registry, model)
    found = by_block(report)
    assert [found[f"language.{i}"] for i in range(LAYERS)] == order
    assert found["language"] == pair[0]
    layers = [run for run in runs(report.parts) if run.blocks != "language"]
    assert [(run.blocks, run.model_blocks) for run in layers] == [
        ("language.0-2", "language.0-2"),
        ("language.3-5", "language.3-5"),
    ]


def test_experts_of_different_models_are_told_apart(
    registry: Path, zoo: Path, weights: Callable[[str], Weights], tmp_path: Path
) -> None:
    experts = ("alder-docs", "alder-tests", "birch", "alder-docs")
    tensors = {name: value for name, value in weights("alder-moe").items() if "experts" not in name}
    for number, source in enumerate(experts):
        for name, value in weights(source).items():
            for dense, sparse in (("gate_proj", "w1"), ("down_proj", "w2"), ("up_proj", "w3")):
                if f"mlp.{dense}" in name:
                    place = name.replace(f"mlp.{dense}", f"block_sparse_moe.experts.{number}.{sparse}")
                    tensors[place] = value
    report = asked(registry, written(tmp_path / "mixed", tensors, zoo / "alder-moe"))
    found = by_block(report)
    right = [found[f"language.{layer}.{n}"] == source for layer in range(LAYERS) for n, source in enumerate(experts)]
    assert all(right)


def tower(seed: int, prefix: str) -> Weights:
    """A random vision transformer of four layers, 64 wide, under names of CLIP."""
    random = np.random.default_rng(seed)
    found: Weights = {}
    shapes = {f"self_attn.{name}_proj": (64, 64) for name in "qkv"} | {"self_attn.out_proj": (64, 64)}
    shapes |= {"mlp.fc1": (128, 64), "mlp.fc2": (64, 128)}
    for layer in range(4):
        for name, shape in shapes.items():
            value = random.standard_normal(shape).astype(np.float32) * 0.1
            found[f"{prefix}vision_model.encoder.layers.{layer}.{name}.weight"] = value
    return found


def test_the_tower_and_the_language_model_of_a_wrapper_are_found_apart(
    registry: Path, zoo: Path, weights: Callable[[str], Weights], tmp_path: Path
) -> None:
    place = Path(shutil.copy(registry, tmp_path / "towers.duckdb"))
    for seed in (1, 2):
        (tmp_path / f"tower-{seed}").mkdir()
        save_file(tower(seed, ""), tmp_path / f"tower-{seed}" / "model.safetensors")
    with Registry(place) as opened:
        outcomes = opened.ingest(tmp_path / "tower-1", tmp_path / "tower-2")
    assert {outcome.status for outcome in outcomes} == {"ingested"}
    tensors = {f"language_model.{name}": value for name, value in weights("alder-docs").items()}
    tensors |= moved(tower(2, "vision_tower."), 0.02)
    projector = np.random.default_rng(9).standard_normal((80, 64)).astype(np.float32)
    tensors["multi_modal_projector.linear_1.weight"] = projector
    report = asked(place, written(tmp_path / "wrapper", tensors, zoo / "alder-docs"))
    named = {(s.component, report.names[s.model_id][0] if s.model_id else None): s.share for s in shares(report)}
    assert named["vision", "tower-2"] == pytest.approx(1.0)
    assert named["language", "alder-docs"] == pytest.approx(1.0)
    assert {name for component, name in named if component not in {"vision", "language"}} == {None}


@pytest.mark.parametrize(
    ("model", "layers"), [("alder-pruned", (0, 1, 3, 5)), ("alder-upscaled", (0, 1, 2, 3, 2, 3, 4, 5))]
)
def test_layers_that_were_cut_or_doubled_name_the_layer_that_they_were(
    registry: Path, model: str, layers: tuple[int, ...]
) -> None:
    rows = {str(row["block"]): row for row in part_rows(asked(registry, model))}
    assert [rows[f"language.{i}"]["model_block"] for i in range(len(layers))] == [f"language.{i}" for i in layers]
    assert {row["model"] for row in rows.values()} == {"alder"}


def test_nothing_is_named_for_what_is_related_to_nothing(registry: Path) -> None:
    report = asked(registry, "birch")
    assert {row["model"] for row in part_rows(report)} == {None}
    assert [(s.model_id, round(s.share, 6)) for s in shares(report)] == [(None, 1.0)]


def test_shares_of_a_component_add_up_to_all_of_it(registry: Path, zoo: Path) -> None:
    for name in ("alder-docs", "alder-moe", "cedar"):
        report = asked(registry, zoo / name)
        assert sum(s.share for s in shares(report)) == pytest.approx(1.0)
        assert sum(run.share for run in runs(report.parts)) == pytest.approx(1.0)
