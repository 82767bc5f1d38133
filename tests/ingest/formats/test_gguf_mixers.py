"""State-space models and hybrids of llama.cpp are those of transformers: names, axes, and whose FFN is whose."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind

from forebear.ingest.formats.gguf_delta import untiled
from forebear.ingest.formats.gguf_names import hugging_face_name
from forebear.ingest.model import ModelFingerprint, fingerprint_model
from forebear.ingest.storage.logical import LogicalTensor, RowMajor
from forebear.ingest.storage.views import InTurn, Strides

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
    fields |= {f"{arch}.attention.head_count_kv": 2, f"{arch}.ssm.group_count": KEYS, f"{arch}.ssm.state_size": SIZE}
    fields |= {f"{arch}.ssm.time_step_rank": VALUES, f"{arch}.ssm.inner_size": VALUES * SIZE}
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


KEYS, VALUES, SIZE = 2, 6, 16


def tiled(rows: Floats, size: int) -> Floats:
    """The heads of v that share one of k: the first of every head of k, then the second."""
    heads = rows.reshape(KEYS, VALUES // KEYS, size, *rows.shape[1:])
    return np.ascontiguousarray(heads.swapaxes(0, 1)).reshape(rows.shape)


def qwen(arch: str) -> Pair:
    """A gated delta net: in Qwen3-Next by heads of k in one matrix, in Qwen3.5 with its heads of v tiled."""
    own: Tensors = {}
    theirs: Tensors = {}
    together = arch == "qwen3next"

    def moved(rows: Floats, size: int) -> Floats:
        return rows if together else tiled(rows, size)

    for layer in range(2):
        at, there = f"blk.{layer}.", f"model.layers.{layer}.linear_attn."
        q, k, v, z = (values(heads * SIZE, WIDTH) for heads in (KEYS, KEYS, VALUES, VALUES))
        own[f"{at}attn_qkv.weight"] = np.concatenate((q, k, moved(v, SIZE)))
        own[f"{at}attn_gate.weight"] = moved(z, SIZE)
        if together:
            groups = [part.reshape(KEYS, -1, WIDTH) for part in (q, k, v, z)]
            theirs[f"{there}in_proj_qkvz.weight"] = np.concatenate(groups, 1).reshape(-1, WIDTH)
        else:
            theirs |= {f"{there}in_proj_qkv.weight": np.concatenate((q, k, v)), f"{there}in_proj_z.weight": z}
            for ours, name in (("alpha", "a"), ("beta", "b")):
                rows = theirs[f"{there}in_proj_{name}.weight"] = values(VALUES, WIDTH)
                own[f"{at}ssm_{ours}.weight"] = moved(rows, 1)
        channels = theirs[f"{there}conv1d.weight"] = values((2 * KEYS + VALUES) * SIZE, 1, 4)
        first, last = np.split(channels[:, 0], [2 * KEYS * SIZE])
        own[f"{at}ssm_conv1d.weight"] = np.concatenate((first, moved(last, SIZE)))
        output = theirs[f"{there}out_proj.weight"] = values(WIDTH, VALUES * SIZE)
        own[f"{at}ssm_out.weight"] = moved(output.T, SIZE).T
        bias = theirs[f"{there}dt_bias"] = values(VALUES)
        own[f"{at}ssm_dt.bias"] = moved(bias, 1)
        gain = theirs[f"model.layers.{layer}.input_layernorm.weight"] = np.zeros(WIDTH, np.float32)
        own[f"{at}attn_norm.weight"] = gain + 1
    return arch, own, theirs


WRITERS: dict[str, Callable[[], Pair]] = {
    "Mamba": lambda: mamba("mamba", second=False), "Mamba 2": lambda: mamba("mamba2", second=True),
    "Nemotron-H": lambda: mamba("nemotron_h", second=True), "Falcon-H1": falcon_h1, "Granite 4": granite,
    "Qwen3-Next": lambda: qwen("qwen3next"), "Qwen3.5": lambda: qwen("qwen35"),
}  # fmt: skip


DELTA = {"linear_num_key_heads": KEYS, "linear_num_value_heads": VALUES}
DELTA |= {"linear_key_head_dim": SIZE, "linear_value_head_dim": SIZE}
CONFIGS = {
    "qwen3next": DELTA | {"model_type": "qwen3_next"}, "qwen35": DELTA | {"model_type": "qwen3_5_text"},
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_a_mixer_of_llama_cpp_is_that_of_transformers(name: str) -> None:
    arch, own, theirs = WRITERS[name]()
    found, wanted = gguf(arch, own), made(theirs, CONFIGS.get(arch, {}))
    more = {"input_linear.": 1, "in_proj_qkv.": 2, "in_proj_qkvz.": 3}
    assert len(wanted.tensors) == len(theirs) + sum(n for key in theirs for part, n in more.items() if part in key)
    assert evidence(found) == evidence(wanted)


def test_whose_mixer_and_whose_ffn_it_is_the_architecture_says() -> None:
    assert hugging_face_name("blk.0.ssm_in.weight") == "model.layers.0.mamba.in_proj.weight"
    assert hugging_face_name("blk.0.ssm_in.weight", "mamba2") == "model.layers.0.mixer.in_proj.weight"
    assert hugging_face_name("blk.0.ffn_up.weight", "granitehybrid") == hugging_face_name("blk.0.ffn_up_shexp.weight")


@pytest.mark.parametrize("counts", [(0, 6), (2, 5), (6, 6), (2, 0)])
def test_heads_of_v_that_the_metadata_do_not_count_stay_where_they_are(counts: tuple[int, int]) -> None:
    keys, heads = counts
    fields = {"qwen35.ssm.group_count": keys, "qwen35.ssm.time_step_rank": heads, "qwen35.ssm.state_size": SIZE}
    fields["qwen35.ssm.inner_size"] = 96
    for name, shape in (("attn_qkv.weight", (160, 8)), ("ssm_out.weight", (8, 96)), ("ssm_dt.bias", (6,))):
        tensor = LogicalTensor(f"blk.0.{name}", "F32", shape, RowMajor("f", 0, "F32", shape[-1]))
        assert untiled(tensor, "qwen35", fields) is tensor


def test_parts_in_turn_are_the_rows_of_each_in_its_order() -> None:
    order = InTurn((Strides(0, (3,), (1,)), Strides(3, (2, 2), (1, 2))))
    assert order.count == 7
    assert order.stored(range(7)).tolist() == [0, 1, 2, 3, 5, 4, 6]
    assert order.stored([6, 0, 4]).tolist() == [6, 0, 5]
