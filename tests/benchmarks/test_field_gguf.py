"""GGUF files of the field family: forebear and the generator read the same weights back, rows of q and k in order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.field.gguf_files import read_gguf, write_gguf
from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import open_source

LLAMA = {
    "model_type": "llama",
    "num_hidden_layers": 1,
    "max_position_embeddings": 64,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000,
}
SHAPES = {
    "model.embed_tokens.weight": (8, 64),
    "model.norm.weight": (64,),
    "model.layers.0.self_attn.q_proj.weight": (64, 64),
    "model.layers.0.self_attn.k_proj.weight": (32, 64),
    "model.layers.0.self_attn.v_proj.weight": (32, 64),
    "model.layers.0.self_attn.o_proj.weight": (64, 64),
    "model.layers.0.mlp.gate_proj.weight": (96, 64),
    "model.layers.0.mlp.up_proj.weight": (96, 64),
    "model.layers.0.mlp.down_proj.weight": (64, 96),
    "model.layers.0.input_layernorm.weight": (64,),
    "model.layers.0.post_attention_layernorm.weight": (64,),
}
WORDS = [chr(97 + i) for i in range(8)], [1] * 8, ["a b"]


@pytest.mark.parametrize(("kind", "error"), [("Q8_0", 0.01), ("Q4_1", 0.12)])
def test_what_is_written_as_gguf_is_read_back_up_to_rounding(tmp_path: Path, kind: str, error: float) -> None:
    random = np.random.default_rng(3)
    state = {name: random.normal(0, 1, shape).astype(np.float32) for name, shape in SHAPES.items()}
    path = tmp_path / f"tiny.{kind}.gguf"
    write_gguf(path, state, kind, LLAMA, WORDS)
    found = read_gguf(path, {"llama": [*SHAPES]})
    assert {*found} == {*state}
    for name, tensor in state.items():
        assert np.linalg.norm(found[name] - tensor) <= error * np.linalg.norm(tensor), name
    roles = {t.named.place.role for t in fingerprint_model(open_source(str(path))).tensors}
    assert {"q", "k", "v", "o", "gate", "up", "down"} <= roles
