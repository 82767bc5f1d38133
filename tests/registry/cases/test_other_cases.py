"""Cases of other shapes: a part that was taken over, a merge with its weight, one noise in all tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from markupsafe import Markup

from forebear.ingest.sources import open_source
from forebear.queries.comparison.case.records import CaseResult
from forebear.registry.cases.case_file import parse_case
from forebear.registry.cases.running import CaseOptions, run_case
from forebear.registry.reports.cases.answer import banners, pairs_grid
from forebear.registry.reports.cases.blocks import Panel
from forebear.registry.reports.cases.page import case_page
from forebear.registry.reports.cases.prose import Words
from forebear.registry.reports.html.images import Image

from ...writers import NUMPY, Floats, llama, llama_config, model_files, tokenizer_json, words, write_files
from . import disputed


def answered(folder: Path, models: Mapping[str, Mapping[str, object]], claims: Sequence[object]) -> CaseResult:
    listed = {label: {"source": str(folder / label), **fields} for label, fields in models.items()}
    text = json.dumps({"case": 1, "title": "t", "models": listed, "claims": claims})
    return run_case(parse_case(text.encode(), "case"), open_source, CaseOptions(), lambda *_: None)


def encoder(seed: int, width: int = 48) -> dict[str, Floats]:
    """The blocks of a vision tower under the names of Qwen2.5-VL."""
    random = np.random.default_rng(seed)
    shapes = {"attn.qkv": (3 * width, width), "attn.proj": (width, width)}
    shapes |= {"mlp.gate_proj": (96, width), "mlp.up_proj": (96, width), "mlp.down_proj": (width, 96)}
    return {
        f"visual.blocks.{layer}.{name}.weight": random.normal(0, 0.05, shape).astype(np.float32)
        for layer in range(4)
        for name, shape in shapes.items()
    }


def write(folder: Path, name: str, tensors: Mapping[str, Floats]) -> None:
    files = model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer_json(words(96)))
    write_files(folder / name, files)


def test_an_encoder_that_was_taken_over_is_said_beside_an_unrelated_language_model(tmp_path: Path) -> None:
    tower = encoder(1)
    write(tmp_path, "a", llama(1) | disputed.trained_on(tower, 7, 0.05))
    write(tmp_path, "b", llama(2) | tower)
    write(tmp_path, "c", llama(3) | encoder(4))
    roles = {"a": {"role": "accused"}, "b": {"role": "parent"}, "c": {"role": "control"}}
    claims = [
        {"metric": "centred_cosine", "models": ["a", "b"], "value": 0.989, "component": "vision", "bound": "above"},
        {"metric": "relation", "models": ["a", "b"], "value": "related", "component": "vision"},
        {"metric": "relation", "models": ["a", "b"], "value": "unrelated"},
        {"metric": "centred_cosine", "models": ["a", "b"], "value": 0.9, "component": "audio", "bound": "above"},
    ]
    found = answered(tmp_path, roles, claims)
    assert [one.status for one in found.claims] == ["reproduced", "reproduced", "reproduced", "not checkable"]
    assert found.claims[0].beyond_null is True and found.controls.trusted is True
    pair = found.pairs[0]
    assert pair.verdict == "unrelated" and pair.component == "language"
    said = banners(found, Words("en"))[1]
    assert said.title == "a-b: unrelated; vision: of one lineage"
    assert any("component vision: of one lineage" in text for text in said.sentences)
    assert "vision: 같은 계통" in pairs_grid(found, Words("ko")).rows[0][2]
    assert all("vision" not in row[2] for row in pairs_grid(found, Words("en")).rows[1:])


def test_two_models_without_anything_in_common_have_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Panel, "image", property(lambda panel: Image(Markup("data:,"), panel.alt)))
    for name, hidden in (("a", 64), ("b", 96)):
        tensors = llama(1, hidden=hidden)
        write_files(tmp_path / name, model_files(tensors, config=llama_config(tensors)))
    claims = [{"metric": "shared_tokens", "models": ["a", "b"], "value": 1}]
    found = answered(tmp_path, {"a": {"role": "accused"}, "b": {"role": "parent"}}, claims)
    assert found.pairs[0].verdict == "unrelated" and found.controls.trusted is None  # by angles between rows
    assert found.kinds == () or all(one.labels == ("a", "b") for one in found.kinds)
    assert found.claims[0].status == "not checkable" and "no tokenizer" in str(found.claims[0].reason)
    page = case_page(found, "ko")
    assert "<h1>t</h1>" in page and "unchecked" in page


def test_the_weight_of_a_merge_is_found_by_its_recipe(tmp_path: Path) -> None:
    base = disputed.tensors("glm", 2)
    first, second = (disputed.trained_on(base, seed, 0.1) for seed in (5, 6))

    def stored(values: Mapping[str, Floats]) -> dict[str, Floats]:
        """The values as bfloat16 has them."""
        return {name: value.astype(NUMPY["BF16"]).astype(np.float32) for name, value in values.items()}

    a, b = stored(first), stored(second)
    merged: dict[str, Floats] = {}
    for name in base:
        merged[name] = (np.float32(0.6) * a[name] + np.float32(0.4) * b[name]).astype(np.float32)
    for name, values in (("merge", merged), ("a", a), ("b", b), ("base", base), ("c", disputed.tensors("deepseek", 8))):
        write_files(tmp_path / name, disputed.files("deepseek" if name == "c" else "glm", values))
    roles = {
        "merge": {"role": "accused"},
        "a": {"role": "parent"},
        "b": {"role": "parent"},
        "base": {"role": "other"},
        "c": {"role": "control"},
    }
    claims = [
        {"metric": "merge_weight", "models": ["merge", "a"], "value": "0.60"},
        {"metric": "merge_weight", "models": ["merge", "b"], "value": "0.571"},
        {"metric": "merge_weight", "models": ["merge", "c"], "value": "0.5"},
    ]
    found = answered(tmp_path, roles, claims)
    assert [one.status for one in found.claims] == ["reproduced", "contradicted", "not checkable"], found.claims
    (recipe,) = (one.recipe for one in found.recipes if one.label == "merge")
    assert {parent.name for parent in recipe.parents} == {"a", "b"} and recipe.exact_share > 0.95


def test_one_noise_in_all_tensors_is_told_from_a_training(tmp_path: Path) -> None:
    base = llama(1, hidden=64, layers=4)
    random = np.random.default_rng(3)
    noisy = {k: (v + 0.002 * random.standard_normal(v.shape)).astype(np.float32) for k, v in base.items()}
    scales = {name: 0.001 * (1 + 9 * number / len(base)) for number, name in enumerate(base)}
    tuned = {k: (v + scales[k] * random.standard_normal(v.shape)).astype(np.float32) for k, v in base.items()}
    for name, values in (("noisy", noisy), ("tuned", tuned), ("base", base), ("c", llama(9, layers=4))):
        write(tmp_path, name, values)
    roles = {
        "noisy": {"role": "accused"},
        "tuned": {"role": "accused"},
        "base": {"role": "parent"},
        "c": {"role": "control"},
    }
    claims = [
        {"metric": "change_spread", "models": ["noisy", "base"], "value": 0},
        {"metric": "change_spread", "models": ["tuned", "base"], "value": 0},
    ]
    found = answered(tmp_path, roles, claims)
    assert [one.status for one in found.claims] == ["reproduced", "contradicted"], found.claims
