"""What `ancestors` says of models with something beside their ancestor's weights, or without a part of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ..ingest.formats.writers_fused import load_model
from ..ingest.formats.writers_packed import mlx, packed
from ..writers import Floats, model_files, write_files
from .conftest import Run

ADAPTED = ("q_proj", "v_proj", "o_proj")


def unmerged(zoo: Path, name: str, folder: Path) -> Path:
    """A zoo model saved by PEFT with its adapters in place: `base_layer` beside `lora_A` and `lora_B`."""
    random = np.random.default_rng(1)
    tensors, config, tokenizer = load_model(zoo / name)
    made: dict[str, Floats] = {}
    for key, rows in tensors.items():
        module = key.removesuffix(".weight")
        if not module.endswith(ADAPTED):
            made[f"base_model.model.{key}"] = rows
            continue
        made[f"base_model.model.{module}.base_layer.weight"] = rows
        shapes = {"A": (8, rows.shape[1]), "B": (rows.shape[0], 8)}
        for factor, shape in shapes.items():
            made[f"base_model.model.{module}.lora_{factor}.default.weight"] = random.normal(size=shape).astype(
                np.float32
            )
    return write_files(folder, model_files(made, config=config, tokenizer=tokenizer))


def test_an_adapter_beside_its_base_is_related_and_derived_once_something_tells_the_order(
    zoo: Path, tmp_path: Path, registry_path: Path, run: Run
) -> None:
    asked = unmerged(zoo, "alder-docs", tmp_path / "unmerged")
    assert run("ingest", zoo / "alder", zoo / "birch").code == 0

    def answer() -> tuple[str, dict[str, Any]]:
        report = json.loads(run("ancestors", asked, "--format", "json").out)
        return report["verdict"], report["ancestors"][0]

    # two fine-tunes, or a model and its fine-tune: weights of two models do not tell which came first
    verdict, top = answer()
    assert (verdict, top["name"], top["relation"]) == ("related", "alder", ["finetuned"])
    assert top["direction"] not in ("ancestor", "descendant")
    parts = top["coverage_parts"]
    factors = 1 - sum(parts[name] for name in ("matched", "without_match", "not_read"))
    assert parts["not_read"] == 0 and 0.04 < factors < 0.07  # the adapter's factors and the gains of the norms
    assert run("mark", "alder", "--root", "--source", "https://example.org/alder").code == 0
    verdict, top = answer()
    assert (verdict, top["name"], top["direction"]) == ("derived", "alder", "ancestor")


def test_tensors_of_other_bits_are_covered_where_shapes_tell_their_bits_and_not_covered_where_nothing_does(
    zoo: Path, tmp_path: Path, run: Run
) -> None:
    tensors, config, tokenizer = load_model(zoo / "alder")
    low, high = packed(tensors, mlx(bits=4, group=16)), packed(tensors, mlx(bits=8, group=16))
    odd = {key for key in low if "mlp" in key or "o_proj" in key}
    mixed = {key: (high if key in odd else low)[key] for key in low}
    settings = {**config, "quantization": {"group_size": 16, "bits": 4}}
    # without the lowest value of each group nobody can tell what the codes stand for
    broken = {key: rows for key, rows in mixed.items() if not (key in odd and key.endswith(".biases"))}
    whole = write_files(tmp_path / "mixed", model_files(mixed, config=settings, tokenizer=tokenizer))
    part = write_files(tmp_path / "broken", model_files(broken, config=settings, tokenizer=tokenizer))
    skipped = sum(rows.size for key, rows in tensors.items() if "mlp" in key or "o_proj" in key)
    left = skipped / sum(rows.size for rows in tensors.values())
    assert run("ingest", zoo / "alder", zoo / "birch", whole, part).code == 0
    for name, covered in (("mixed", 1.0), ("broken", 1 - left)):
        report = json.loads(run("ancestors", name, "--format", "json", "-k", "9").out)
        (top,) = (one for one in report["ancestors"] if one["name"] == "alder")
        assert top["coverage"] == pytest.approx(covered, abs=0.01), name
        assert top["coverage_parts"]["not_read"] == pytest.approx(1 - covered, abs=0.01), name
    found = json.loads(run("sql", "--format", "json", "SELECT sum(parameters)::BIGINT AS n FROM skipped_tensor").out)
    assert found["rows"][0]["n"] == skipped
