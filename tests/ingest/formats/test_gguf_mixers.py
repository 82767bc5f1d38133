"""State-space models and hybrids of llama.cpp are those of transformers: names, axes, and whose FFN is whose."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind

from forebear.ingest.formats.gguf_names import hugging_face_name
from forebear.ingest.model import ModelFingerprint, fingerprint_model

from ...writers import MemorySource
from ..layouts.test_framework_orders import WIDTH, values
from ..layouts.test_frameworks import in_pairs, made
from ..layouts.test_fused import evidence
from .writers_fused import Floats, Tensors
from .writers_gguf import gguf_bytes, stored

INNER, GROUPS, HEADS = 128, 2, 8
Pair = tuple[str, Tensors, Tensors]


def gguf(arch: str, tensors: Mapping[str, Floats]) -> ModelFingerprint:
    fields: dict[str, str | int] = {"general.architecture": arch, f"{arch}.attention.head_count": 4}
    fields |= {f"{arch}.attention.head_count_kv": 2}
    kept = {name: stored(np.ascontiguousarray(value), Kind.F32) for name, value in tensors.items()}
    return fingerprint_model(MemorySource({"model.gguf": gguf_bytes(fields, kept)}))


def mixer(own: Tensors, theirs: Tensors, layer: int, there: str, *, second: bool) -> None:
    """A Mamba in block `layer`: its convolution without the axis of inputs, in Mamba 2 its gains in groups."""
    at = f"blk.{layer}."
    rows = values(INNER + 32, 1, 4)
    own[f"{at}ssm_conv1d.weight"], theirs[f"{there}conv1d.weight"] = rows[:, 0], rows
    for ours, name, shape in (("ssm_in", "in_proj", (2 * INNER, WIDTH)), ("ssm_out", "out_proj", (WIDTH, INNER))):
        own[f"{at}{ours}.weight"] = theirs[f"{there}{name}.weight"] = values(*shape)
    skip = values(HEADS)
    own[f"{at}ssm_d"] = skip[:, None] if second else skip
    theirs[f"{there}D"] = skip
    bias = own[f"{at}ssm_dt.bias"] = values(HEADS)
    if second:
        gain = theirs[f"{there}norm.weight"] = values(INNER)
        own[f"{at}ssm_norm.weight"] = gain.reshape(GROUPS, -1)
        theirs[f"{there}dt_bias"] = bias
    else:
        theirs[f"{there}dt_proj.bias"] = bias
        own[f"{at}ssm_dt.weight"] = theirs[f"{there}dt_proj.weight"] = values(HEADS, 4)
        own[f"{at}ssm_x.weight"] = theirs[f"{there}x_proj.weight"] = values(40, INNER)


def mamba(arch: str, *, second: bool) -> Pair:
    own: Tensors = {}
    theirs: Tensors = {}
    for layer in range(2):
        mixer(own, theirs, layer, f"backbone.layers.{layer}.mixer.", second=second)
        own[f"blk.{layer}.attn_norm.weight"] = theirs[f"backbone.layers.{layer}.norm.weight"] = values(WIDTH)
    return arch, own, theirs


def falcon_h1() -> Pair:
    """A Mamba beside attention and an FFN in every layer."""
    own: Tensors = {}
    theirs: Tensors = {}
    for layer in range(2):
        at, there = f"blk.{layer}.", f"model.layers.{layer}."
        mixer(own, theirs, layer, f"{there}mamba.", second=True)
        for ours, name in (("attn_q", "self_attn.q_proj"), ("ffn_down", "feed_forward.down_proj")):
            own[f"{at}{ours}.weight"] = theirs[f"{there}{name}.weight"] = values(WIDTH, WIDTH)
    return "falcon-h1", own, theirs


def granite() -> Pair:
    """An FFN that is called shared and has no other experts beside it; rows of q in pairs."""
    own: Tensors = {}
    theirs: Tensors = {}
    mixer(own, theirs, 0, "model.layers.0.mamba.", second=True)
    query = theirs["model.layers.1.self_attn.q_proj.weight"] = values(WIDTH, WIDTH)
    own["blk.1.attn_q.weight"] = in_pairs(query, 4)
    for layer in range(2):
        gate, up = values(96, WIDTH), values(96, WIDTH)
        own |= {f"blk.{layer}.ffn_gate.weight": gate, f"blk.{layer}.ffn_up.weight": up}
        theirs[f"model.layers.{layer}.shared_mlp.input_linear.weight"] = np.concatenate((gate, up))
        down = own[f"blk.{layer}.ffn_down.weight"] = values(WIDTH, 96)
        theirs[f"model.layers.{layer}.shared_mlp.output_linear.weight"] = down
    return "granitehybrid", own, theirs


WRITERS: dict[str, Callable[[], Pair]] = {
    "Mamba": lambda: mamba("mamba", second=False), "Mamba 2": lambda: mamba("mamba2", second=True),
    "Nemotron-H": lambda: mamba("nemotron_h", second=True), "Falcon-H1": falcon_h1, "Granite 4": granite,
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_a_mixer_of_llama_cpp_is_that_of_transformers(name: str) -> None:
    arch, own, theirs = WRITERS[name]()
    found, wanted = gguf(arch, own), made(theirs, {})
    assert len(found.tensors) == len(wanted.tensors) == len(theirs) + sum("input_linear" in key for key in theirs)
    assert evidence(found) == evidence(wanted)


def test_whose_mixer_and_whose_ffn_it_is_the_architecture_says() -> None:
    assert hugging_face_name("blk.0.ssm_in.weight") == "model.layers.0.mamba.in_proj.weight"
    assert hugging_face_name("blk.0.ssm_in.weight", "mamba2") == "model.layers.0.mixer.in_proj.weight"
    assert hugging_face_name("blk.0.ffn_up.weight", "granitehybrid") == hugging_face_name("blk.0.ffn_up_shexp.weight")
