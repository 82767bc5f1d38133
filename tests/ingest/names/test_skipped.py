"""What cannot be read counts where it is missing: a skipped tensor has its component and all its parameters."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from forebear.ingest.model import fingerprint_model
from forebear.ingest.names.naming import name_tensors
from forebear.ingest.names.skipped import with_components
from forebear.ingest.storage.logical import LogicalTensor, RowMajor
from forebear.ingest.storage.skipped import SkippedTensor
from forebear.registry import Registry

from ...writers import MemorySource, Raw, llama, model_files, safetensors_bytes, write_files

NAMES = ("model.layers.0.self_attn.q_proj", "vision_tower.encoder.layers.0.self_attn.q_proj", "model.embed_tokens")


def named(*names: str) -> list[LogicalTensor]:
    return [LogicalTensor(f"{name}.weight", "F32", (8, 8), RowMajor("x", 0, "F32", 8)) for name in names]


def component(name: str, *names: str) -> str | None:
    placed = name_tensors(named(*names), {})
    return with_components([SkippedTensor(name, 9, "why")], placed)[0].component


def test_a_skipped_tensor_is_of_the_component_of_its_nearest_neighbours() -> None:
    assert component("model.layers.0.self_attn.k_proj.weight", *NAMES) == "language"
    assert component("vision_tower.encoder.layers.7.mlp.fc1.weight", *NAMES) == "vision"
    assert component("vision_tower.patch.weight", *NAMES) == "vision"


def test_a_name_that_shares_nothing_has_the_component_that_it_says_or_the_only_one_or_none() -> None:
    assert component("onnx::MatMul_12", NAMES[0]) == "language"
    assert component("onnx::MatMul_12", *NAMES) in {"language", None}
    known = SkippedTensor("model.layers.0.a", 1, "why", "vision")
    assert with_components([known], name_tensors(named(*NAMES), {})) == (known,)
    assert with_components([SkippedTensor("a", 1, "why")], [])[0].component is None


def test_every_parameter_is_in_a_tensor_or_in_a_skipped_one(tmp_path: Path) -> None:
    tensors = llama()
    odd = Raw("C64", (8, 16), bytes(8 * 8 * 16))
    write_files(tmp_path / "m", model_files(tensors))
    (tmp_path / "m" / "model.safetensors").write_bytes(safetensors_bytes({**tensors, "model.layers.1.mlp.odd": odd}))
    made = fingerprint_model(MemorySource({"model.safetensors": (tmp_path / "m" / "model.safetensors").read_bytes()}))
    assert made.parameters == sum(t.size for t in tensors.values()) + 128
    assert sum(t.named.represents for t in made.tensors) + sum(s.parameters for s in made.skipped) == made.parameters
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(tmp_path / "m")
        rows = registry.connection.execute("SELECT name, parameters, component FROM skipped_tensor").fetchall()
    assert rows == [("model.layers.1.mlp.odd", 128, "language")]


def test_what_a_budget_leaves_out_counts_with_the_experts_that_nobody_reads() -> None:
    tensors = llama(layers=6)
    for expert in range(12):
        tensors[f"model.layers.3.mlp.experts.{expert}.up_proj.weight"] = np.ones((32, 64), np.float32)
    whole = fingerprint_model(MemorySource(model_files(tensors)))
    cut = fingerprint_model(MemorySource(model_files(tensors)), budget=whole.bytes_read // 3)
    assert cut.skipped and {s.component for s in cut.skipped} == {"language"}
    assert sum(t.named.represents for t in cut.tensors) + sum(s.parameters for s in cut.skipped) == cut.parameters
