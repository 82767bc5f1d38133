"""Models with odd values and odd shapes are compared without a warning and without a wrong word."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from forebear.queries.comparison.records.document import comparison_document
from forebear.registry import Registry
from forebear.registry.reports.numbers import plain

from ...writers import Floats, llama, llama_config, model_files, tokenizer_json, words, write_files


def write(folder: Path, tensors: dict[str, Floats]) -> Path:
    return write_files(folder, model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer_json(words(96))))


@pytest.mark.parametrize(
    "value", [0.0, 1.0, 3e38, 1e-45, float("nan"), float("inf")], ids=["zero", "one", "huge", "tiny", "nan", "inf"]
)
def test_constant_and_broken_tensors_leave_strict_json(tmp_path: Path, value: float) -> None:
    first = llama(1, layers=4)
    broken = ("q_proj", "embed", "input_layernorm")
    second = {n: np.full_like(t, value) if any(b in n for b in broken) else t for n, t in first.items()}
    with Registry(tmp_path / "r.duckdb") as registry:
        found = registry.compare(write(tmp_path / "a", first), write(tmp_path / "b", second), controls=[])
        again = registry.compare(tmp_path / "b", tmp_path / "b", controls=[tmp_path / "a"])
    for one in (found, again):
        json.dumps(plain(comparison_document(one)), allow_nan=False)
    assert found.verdict in {"related", "inconclusive"}


def test_models_of_nothing_in_common_are_not_said_to_be_unrelated(tmp_path: Path) -> None:
    lone = write_files(
        tmp_path / "lone",
        model_files({"vision_tower.layers.0.mlp.fc1.weight": np.eye(64, dtype=np.float32)}, config={}),
    )
    with Registry(tmp_path / "r.duckdb") as registry:
        found = registry.compare(write(tmp_path / "a", llama(1)), lone)
    assert (found.verdict, found.components) == ("inconclusive", ())
    assert "no component in common" in found.sentence and len(found.notes) == 3
