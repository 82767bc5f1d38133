"""A model in the files of another framework has the places, and the rows, that it has in those of Hugging Face."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebear.ingest.errors import FormatError
from forebear.ingest.layouts.frameworks import hugging_face
from forebear.ingest.layouts.fused import unfuse
from forebear.ingest.metadata.originals import ORIGINAL_LIMIT, read_original_config
from forebear.ingest.model import ModelFingerprint, fingerprint_model
from forebear.ingest.names.frameworks import FRAMEWORKS
from forebear.ingest.names.naming import name_tensors
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

from ...writers import MemorySource, llama, model_files
from ..formats.writers_fused import Floats, Tensors, conv1d, grouped_qkv, halves, stacked_qkv
from .test_fused import equal_heads, evidence

RANDOM = np.random.default_rng(11)
CONFIG: dict[str, Any] = {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16}
PARAMS: dict[str, Any] = {"dim": 64, "n_layers": 2, "n_heads": 4, "n_kv_heads": 2, "head_dim": 16, "vocab_size": 96}
META = {
    "model.embed_tokens": "tok_embeddings", "model.norm": "norm", "lm_head": "output", "model.layers": "layers",
    "self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk", "self_attn.v_proj": "attention.wv",
    "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.down_proj": "feed_forward.w2",
    "mlp.up_proj": "feed_forward.w3", "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm",
}  # fmt: skip


def renamed(name: str, table: Mapping[str, str]) -> str:
    for ours, theirs in table.items():
        name = name.replace(ours, theirs)
    return name


def in_pairs(values: Floats, heads: int) -> Floats:
    """Rows of q or k as Meta's code has them: neighbours rotate together."""
    return values.reshape(heads, 2, -1, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)


def meta(tensors: Mapping[str, Floats]) -> Tensors:
    heads = {"q_proj": 4, "k_proj": 2}
    made = {}
    for name, values in tensors.items():
        part = name.split(".")[-2]
        made[renamed(name, META)] = in_pairs(values, heads[part]) if part in heads else values
    return made


LITGPT = {
    "model.embed_tokens": "transformer.wte", "model.norm": "transformer.ln_f", "model.layers": "transformer.h",
    "self_attn.o_proj": "attn.proj", "mlp.gate_proj": "mlp.fc_1", "mlp.up_proj": "mlp.fc_2",
    "mlp.down_proj": "mlp.proj", "input_layernorm": "norm_1", "post_attention_layernorm": "norm_2",
}  # fmt: skip


def fused(
    tensors: Mapping[str, Floats], leaf: str, order: Callable[..., Floats], counts: tuple[int, int]
) -> dict[str, Floats]:
    made = {}
    for name, values in tensors.items():
        if ".q_proj." in name:
            k, v = (tensors[name.replace("q_proj", other)] for other in ("k_proj", "v_proj"))
            made[name.replace("self_attn.q_proj", leaf)] = order(values, k, v, *counts)
        elif ".k_proj." not in name and ".v_proj." not in name:
            made[name] = values
    return made


def litgpt(tensors: Mapping[str, Floats], counts: tuple[int, int] = (4, 2)) -> Tensors:
    return {renamed(n, LITGPT): v for n, v in fused(tensors, "attn.qkv", stacked_qkv, counts).items()}


def litgpt_before(tensors: Mapping[str, Floats], counts: tuple[int, int] = (4, 2)) -> Tensors:
    return {renamed(n, LITGPT): v for n, v in fused(tensors, "attn.attn", grouped_qkv, counts).items()}


MEGATRON = {
    "model.embed_tokens": "embedding.word_embeddings", "model.norm": "decoder.final_layernorm",
    "lm_head": "output_layer", "model.layers": "decoder.layers", "self_attn.o_proj": "self_attention.linear_proj",
    "mlp.gate_up_proj": "mlp.linear_fc1", "mlp.down_proj": "mlp.linear_fc2",
    "input_layernorm.weight": "self_attention.linear_qkv.layer_norm_weight",
    "post_attention_layernorm.weight": "mlp.linear_fc1.layer_norm_weight",
}  # fmt: skip


def gate_up(tensors: Mapping[str, Floats]) -> Tensors:
    return {
        n.replace("gate_proj", "gate_up_proj"): halves(v, tensors[n.replace("gate_proj", "up_proj")])
        if "gate_proj" in n
        else v
        for n, v in tensors.items()
        if "up_proj" not in n
    }


def megatron_core(tensors: Mapping[str, Floats], counts: tuple[int, int] = (4, 2)) -> Tensors:
    made = fused(gate_up(tensors), "self_attention.linear_qkv", grouped_qkv, counts)
    return {renamed(n, MEGATRON): v for n, v in made.items()}


MEGATRON_LM = {
    "decoder.": "language_model.encoder.", "embedding.": "language_model.embedding.", "linear_qkv.layer_norm_": "x.",
    "output_layer": "language_model.output_layer", "linear_qkv": "query_key_value", "linear_proj": "dense",
    "linear_fc1.layer_norm_": "y.", "linear_fc1": "dense_h_to_4h", "linear_fc2": "dense_4h_to_h",
    "self_attention.x.": "input_norm.", "mlp.y.": "post_attention_norm.",
}  # fmt: skip


def megatron_lm(tensors: Mapping[str, Floats], counts: tuple[int, int] = (4, 2)) -> Tensors:
    return {renamed(n, MEGATRON_LM): v for n, v in megatron_core(tensors, counts).items()}


def made(tensors: Mapping[str, Floats], config: Mapping[str, Any], **files: bytes) -> ModelFingerprint:
    written = model_files(tensors, config=config, tokenizer=TOKENIZER) | files
    return fingerprint_model(MemorySource({name: data for name, data in written.items() if data}))


TOKENIZER = {
    "model": {"type": "BPE", "vocab": {f"t{i}": i for i in range(96)}, "merges": []},
    "added_tokens": [],
}


@pytest.mark.parametrize("write", [meta, litgpt, litgpt_before, megatron_core, megatron_lm])
@pytest.mark.parametrize("wrapper", ["", "module."])
def test_the_same_model_in_the_files_of_a_framework_has_the_same_fingerprint(
    write: Callable[[Mapping[str, Floats]], Tensors], wrapper: str
) -> None:
    tensors = llama(3)
    own = {wrapper + name: values for name, values in write(tensors).items()}
    assert evidence(made(own, CONFIG)) == evidence(made(tensors, CONFIG))


@pytest.mark.parametrize("write", [litgpt, litgpt_before, megatron_core])
def test_biases_of_q_k_and_v_are_split_as_their_matrices_are(write: Callable[..., Tensors]) -> None:
    tensors, config = equal_heads()
    assert evidence(made(write(tensors, (4, 4)), config)) == evidence(made(tensors, config))


def test_rows_in_pairs_are_put_in_halves_by_the_heads_of_params_json() -> None:
    tensors = llama(3)
    own = made(meta(tensors), {}, **{"config.json": b"", "params.json": json.dumps(PARAMS).encode()})
    assert evidence(own) == evidence(made(tensors, CONFIG))
    assert own.config["num_key_value_heads"] == 2


def test_rows_in_pairs_are_put_in_halves_by_the_frequencies_where_no_config_is_there() -> None:
    tensors = llama(3)
    own = meta(tensors) | {"rope.freqs": np.ones(8, np.float32)}
    found = evidence(made(own, {}))
    wanted = evidence(made(tensors, {}))
    assert {key: found[key] for key in wanted} == wanted


def test_without_any_count_of_heads_rows_stay_as_they_are() -> None:
    tensors = meta(llama(3))
    stored = [LogicalTensor(n, "F32", v.shape, RowMajor("f", 0, "F32", 64)) for n, v in tensors.items()]
    assert hugging_face(stored, {}) == stored


def test_rows_of_titans_qwen_3_are_in_halves_already() -> None:
    tensors = {renamed(n, META): v for n, v in llama(3).items()}
    tensors |= {
        f"layers.{i}.attention.{n}.weight": np.ones(16, np.float32) for i in range(2) for n in ("q_norm", "k_norm")
    }
    stored = [LogicalTensor(n, "F32", v.shape, RowMajor("f", 0, "F32", 64)) for n, v in tensors.items()]
    assert hugging_face(stored, CONFIG) == stored


def test_heads_of_megatron_follow_from_the_norms_over_q_where_config_says_nothing() -> None:
    tensors = llama(3)
    for layer in range(2):
        for part in ("q", "k"):
            tensors[f"model.layers.{layer}.self_attn.{part}_norm.weight"] = RANDOM.normal(1, 0.1, 16).astype(np.float32)
    norms = {f"self_attn.{part}_norm": f"self_attention.{part}_layernorm" for part in "qk"}
    own = {renamed(n, norms): v for n, v in megatron_core(tensors).items()}
    assert evidence(made(own, {})) == evidence(made(tensors, {}))


def moe(seed: int = 5, experts: int = 4, width: int = 48) -> Tensors:
    """A mixture of experts in the names of Qwen."""
    random = np.random.default_rng(seed)
    tensors = {n: v for n, v in llama(seed).items() if ".mlp." not in n}
    for layer in range(2):
        at = f"model.layers.{layer}.mlp"
        tensors[f"{at}.gate.weight"] = random.normal(0, 0.02, (experts, 64)).astype(np.float32)
        for e in range(experts):
            for part, shape in (("gate_proj", (width, 64)), ("up_proj", (width, 64)), ("down_proj", (64, width))):
                tensors[f"{at}.experts.{e}.{part}.weight"] = random.normal(0, 0.02, shape).astype(np.float32)
    return tensors


def megatron_experts(tensors: Mapping[str, Floats], spelling: str) -> Tensors:
    own = {}
    for name, values in fused(gate_up(tensors), "self_attention.linear_qkv", grouped_qkv, (4, 2)).items():
        found = re.fullmatch(r"model\.layers\.(\d+)\.mlp\.experts\.(\d+)\.(gate_up|down)_proj\.weight", name)
        name = name.replace("mlp.gate.", "mlp.router.")
        if found:
            number = 1 if found[3] == "gate_up" else 2
            name = f"decoder.layers.{found[1]}.mlp.experts." + spelling.format(e=found[2], n=number)
        table = {k: v for k, v in MEGATRON.items() if "mlp." not in k}
        own[renamed(name, table).replace("mlp.linear_fc1.layer_norm_weight", "pre_mlp_layernorm.weight")] = values
    return own


@pytest.mark.parametrize("spelling", ["local_experts.{e}.linear_fc{n}.weight", "linear_fc{n}.weight{e}"])
def test_experts_of_megatron_are_experts(spelling: str) -> None:
    tensors = moe()
    assert evidence(made(megatron_experts(tensors, spelling), CONFIG)) == evidence(made(tensors, CONFIG))


def test_experts_side_by_side_in_one_matrix_of_megatron_are_experts() -> None:
    tensors = moe()
    own = {
        n: v for n, v in megatron_experts(tensors, "local_experts.{e}.linear_fc{n}.weight").items() if "local" not in n
    }
    for layer in range(2):
        at = f"model.layers.{layer}.mlp.experts"
        each = [[tensors[f"{at}.{e}.{p}_proj.weight"] for p in ("gate", "up", "down")] for e in range(4)]
        up, down = np.stack([halves(g, u).T for g, u, _ in each]), np.stack([d.T for *_, d in each])
        own[f"decoder.layers.{layer}.mlp.experts.weight1"] = np.ascontiguousarray(up.reshape(64, -1))
        own[f"decoder.layers.{layer}.mlp.experts.weight2"] = np.ascontiguousarray(down.reshape(-1, 64))
    assert evidence(made(own, CONFIG)) == evidence(made(tensors, CONFIG))


def test_experts_of_vllm_are_experts() -> None:
    tensors = moe()
    own = {n: v for n, v in tensors.items() if ".experts." not in n}
    for layer in range(2):
        at = f"model.layers.{layer}.mlp.experts"
        each = [[tensors[f"{at}.{e}.{p}_proj.weight"] for p in ("gate", "up", "down")] for e in range(4)]
        own[f"{at}.w13_weight"] = np.stack([halves(g, u) for g, u, _ in each])
        own[f"{at}.w2_weight"] = np.stack([d for *_, d in each])
    assert evidence(made(own, CONFIG)) == evidence(made(tensors, CONFIG))


def test_linear_layers_of_nanogpt_are_the_turned_ones_of_gpt_2() -> None:
    tensors, config = equal_heads()
    hugging = conv1d(tensors, config)
    turned = {"c_attn.weight", "c_proj.weight", "c_fc.weight"}
    own = {f"_orig_mod.transformer.{n}": np.ascontiguousarray(v.T) if ".".join(n.split(".")[-2:]) in turned else v
           for n, v in hugging.items()}  # fmt: skip
    assert evidence(made(own, config)) == evidence(made(hugging, config))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("config", [CONFIG, {k: v for k, v in CONFIG.items() if k != "hidden_size"}])
def test_gate_up_and_down_in_stacks_of_their_own_are_experts_in_either_order(
    turned: bool, config: Mapping[str, Any]
) -> None:
    tensors = moe()
    own = {n: v for n, v in tensors.items() if ".experts." not in n}
    for layer in range(2):
        at = f"model.layers.{layer}.mlp.experts"
        for part in ("gate_proj", "up_proj", "down_proj"):
            stack = np.stack([tensors[f"{at}.{e}.{part}.weight"] for e in range(4)])
            own[f"{at}.{part}"] = np.ascontiguousarray(stack.swapaxes(1, 2)) if turned else stack
    assert evidence(made(own, config)) == evidence(made(tensors, config))


@pytest.mark.parametrize("turned", [False, True])
def test_gate_and_up_on_an_axis_of_their_own_are_experts(turned: bool) -> None:
    tensors = moe()
    own = {n: v for n, v in tensors.items() if ".experts." not in n}
    for layer in range(2):
        at = f"model.layers.{layer}.mlp.experts"
        each = [[tensors[f"{at}.{e}.{p}_proj.weight"] for p in ("gate", "up", "down")] for e in range(4)]
        up, down = np.stack([np.stack((g, u)) for g, u, _ in each]), np.stack([d for *_, d in each])
        own[f"{at}.gate_up_proj"] = np.ascontiguousarray(up.transpose(0, 3, 1, 2)) if turned else up
        own[f"{at}.down_proj"] = np.ascontiguousarray(down.swapaxes(1, 2)) if turned else down
    assert evidence(made(own, CONFIG)) == evidence(made(tensors, CONFIG))


PAIRS = {
    "whisper": """
        encoder.conv1.weight | model.encoder.conv1.weight | 64x80x3
        encoder.conv2.weight | model.encoder.conv2.weight | 64x64x3
        encoder.positional_embedding | model.encoder.embed_positions.weight | 1500x64
        encoder.blocks.0.attn.query.weight | model.encoder.layers.0.self_attn.q_proj.weight | 64x64
        encoder.blocks.0.attn.query.bias | model.encoder.layers.0.self_attn.q_proj.bias | 64
        encoder.blocks.0.attn.key.weight | model.encoder.layers.0.self_attn.k_proj.weight | 64x64
        encoder.blocks.0.attn.value.weight | model.encoder.layers.0.self_attn.v_proj.weight | 64x64
        encoder.blocks.0.attn.out.weight | model.encoder.layers.0.self_attn.out_proj.weight | 64x64
        encoder.blocks.0.attn_ln.weight | model.encoder.layers.0.self_attn_layer_norm.weight | 64
        encoder.blocks.0.mlp.0.weight | model.encoder.layers.0.fc1.weight | 256x64
        encoder.blocks.0.mlp.2.weight | model.encoder.layers.0.fc2.weight | 64x256
        encoder.blocks.0.mlp.2.bias | model.encoder.layers.0.fc2.bias | 64
        encoder.blocks.0.mlp_ln.weight | model.encoder.layers.0.final_layer_norm.weight | 64
        encoder.ln_post.weight | model.encoder.layer_norm.weight | 64
        decoder.token_embedding.weight | model.decoder.embed_tokens.weight | 300x64
        decoder.positional_embedding | model.decoder.embed_positions.weight | 448x64
        decoder.blocks.0.attn.query.weight | model.decoder.layers.0.self_attn.q_proj.weight | 64x64
        decoder.blocks.0.cross_attn.query.weight | model.decoder.layers.0.encoder_attn.q_proj.weight | 64x64
        decoder.blocks.0.cross_attn.key.weight | model.decoder.layers.0.encoder_attn.k_proj.weight | 64x64
        decoder.blocks.0.cross_attn.out.weight | model.decoder.layers.0.encoder_attn.out_proj.weight | 64x64
        decoder.blocks.0.cross_attn_ln.weight | model.decoder.layers.0.encoder_attn_layer_norm.weight | 64
        decoder.blocks.0.mlp_ln.weight | model.decoder.layers.0.final_layer_norm.weight | 64
        decoder.ln.weight | model.decoder.layer_norm.weight | 64
    """,
    "clip": """
        visual.class_embedding | vision_model.embeddings.class_embedding | 64
        visual.positional_embedding | vision_model.embeddings.position_embedding.weight | 50x64
        visual.conv1.weight | vision_model.embeddings.patch_embedding.weight | 64x3x16x16
        visual.ln_pre.weight | vision_model.pre_layrnorm.weight | 64
        visual.ln_post.bias | vision_model.post_layernorm.bias | 64
        visual.transformer.resblocks.0.ln_1.weight | vision_model.encoder.layers.0.layer_norm1.weight | 64
        visual.transformer.resblocks.0.attn.out_proj.bias | vision_model.encoder.layers.0.self_attn.out_proj.bias | 64
        visual.transformer.resblocks.0.mlp.c_fc.weight | vision_model.encoder.layers.0.mlp.fc1.weight | 256x64
        visual.transformer.resblocks.0.mlp.c_proj.weight | vision_model.encoder.layers.0.mlp.fc2.weight | 64x256
        transformer.resblocks.0.ln_1.weight | text_model.encoder.layers.0.layer_norm1.weight | 32
        transformer.resblocks.0.ln_2.weight | text_model.encoder.layers.0.layer_norm2.weight | 32
        transformer.resblocks.0.mlp.c_fc.weight | text_model.encoder.layers.0.mlp.fc1.weight | 128x32
        token_embedding.weight | text_model.embeddings.token_embedding.weight | 300x32
        positional_embedding | text_model.embeddings.position_embedding.weight | 77x32
        ln_final.weight | text_model.final_layer_norm.weight | 32
        logit_scale | logit_scale | -
    """,
    "rwkv 4": """
        emb.weight | rwkv.embeddings.weight | 300x64
        blocks.0.ln0.weight | rwkv.blocks.0.pre_ln.weight | 64
        blocks.0.ln1.weight | rwkv.blocks.0.ln1.weight | 64
        blocks.0.ln2.weight | rwkv.blocks.0.ln2.weight | 64
        blocks.0.att.time_decay | rwkv.blocks.0.attention.time_decay | 64
        blocks.0.att.time_mix_k | rwkv.blocks.0.attention.time_mix_key | 1x1x64
        blocks.0.att.key.weight | rwkv.blocks.0.attention.key.weight | 64x64
        blocks.0.att.value.weight | rwkv.blocks.0.attention.value.weight | 64x64
        blocks.0.att.receptance.weight | rwkv.blocks.0.attention.receptance.weight | 64x64
        blocks.0.att.output.weight | rwkv.blocks.0.attention.output.weight | 64x64
        blocks.0.ffn.time_mix_r | rwkv.blocks.0.feed_forward.time_mix_receptance | 1x1x64
        blocks.0.ffn.key.weight | rwkv.blocks.0.feed_forward.key.weight | 256x64
        blocks.0.ffn.receptance.weight | rwkv.blocks.0.feed_forward.receptance.weight | 64x64
        blocks.0.ffn.value.weight | rwkv.blocks.0.feed_forward.value.weight | 64x256
        ln_out.weight | rwkv.ln_out.weight | 64
        head.weight | head.weight | 300x64
    """,
    "rwkv 7": """
        emb.weight | model.embeddings.weight | 300x64
        blocks.0.ln0.weight | model.layers.0.pre_norm.weight | 64
        blocks.0.ln1.weight | model.layers.0.attn_norm.weight | 64
        blocks.0.ln2.weight | model.layers.0.ffn_norm.weight | 64
        blocks.0.att.r_k | model.layers.0.attn.r_k | 4x16
        blocks.0.att.x_r | model.layers.0.attn.x_r | 1x1x64
        blocks.0.att.receptance.weight | model.layers.0.attn.r_proj.weight | 64x64
        blocks.0.att.key.weight | model.layers.0.attn.k_proj.weight | 64x64
        blocks.0.att.value.weight | model.layers.0.attn.v_proj.weight | 64x64
        blocks.0.att.output.weight | model.layers.0.attn.o_proj.weight | 64x64
        blocks.0.att.ln_x.weight | model.layers.0.attn.g_norm.weight | 64
        blocks.0.ffn.key.weight | model.layers.0.ffn.key.weight | 256x64
        blocks.0.ffn.value.weight | model.layers.0.ffn.value.weight | 64x256
        ln_out.weight | model.norm.weight | 64
        head.weight | lm_head.weight | 300x64
    """,
    "nanochat": """
        transformer.wte.weight | model.embed_tokens.weight | 300x64
        transformer.h.0.attn.c_q.weight | model.layers.0.self_attn.q_proj.weight | 64x64
        transformer.h.0.attn.c_k.weight | model.layers.0.self_attn.k_proj.weight | 32x64
        transformer.h.0.attn.c_v.weight | model.layers.0.self_attn.v_proj.weight | 32x64
        transformer.h.0.attn.c_proj.weight | model.layers.0.self_attn.o_proj.weight | 64x64
        transformer.h.0.mlp.c_fc.weight | model.layers.0.mlp.fc1.weight | 256x64
        transformer.h.0.mlp.c_proj.weight | model.layers.0.mlp.fc2.weight | 64x256
        lm_head.weight | lm_head.weight | 300x64
    """,
}
"""Framework -> its name | the name in Hugging Face | shape, of the tensors of one layer as published."""
MARKS = {"clip": ["visual.transformer.resblocks.0.attn.in_proj_weight"]}


def logical(name: str, size: str) -> LogicalTensor:
    shape = () if size == "-" else tuple(int(n) for n in size.split("x"))
    return LogicalTensor(name, "F32", shape, RowMajor("f", 0, "F32", shape[-1] if shape else 1))


@pytest.mark.parametrize("framework", PAIRS)
def test_every_name_of_the_framework_has_the_place_that_it_has_in_hugging_face(framework: str) -> None:
    lines = [[part.strip() for part in line.split("|")] for line in PAIRS[framework].strip().splitlines()]
    own = [logical(ours, size) for ours, _, size in lines]
    marks = [logical(name, "192x64") for name in MARKS.get(framework, [])]
    theirs = [logical(name, size) for _, name, size in lines]
    found = {n.tensor.name: n.place for n in name_tensors(unfuse([*own, *marks], {}).tensors, {})}
    hf_marks = [t for t in unfuse([*own, *marks], {}).tensors if t.name not in {x.name for x in theirs}]
    wanted = {n.tensor.name: n.place for n in name_tensors([*theirs, *hf_marks], {})}
    assert found == wanted and {t.name for t in theirs} <= found.keys()


def flux() -> tuple[Tensors, Tensors]:
    """A small Flux in the names of Black Forest Labs, and as diffusers converts it."""
    random, h = np.random.default_rng(8), 64

    def drawn(*shape: int) -> Floats:
        return random.normal(0, 1, shape).astype(np.float32)

    own: Tensors = {"vector_in.in_layer.weight": drawn(h, 128), "img_in.weight": drawn(h, 48)}
    own["final_layer.adaLN_modulation.1.weight"] = drawn(2 * h, h)
    shift, scale = np.split(own["final_layer.adaLN_modulation.1.weight"], 2)
    theirs: Tensors = {
        "time_text_embed.text_embedder.linear_1.weight": own["vector_in.in_layer.weight"],
        "x_embedder.weight": own["img_in.weight"],
        "norm_out.linear.weight": np.concatenate((scale, shift)),
    }
    for i in range(2):
        double, single = f"double_blocks.{i}", f"single_blocks.{i}"
        at, there = f"transformer_blocks.{i}", f"single_transformer_blocks.{i}"
        for stream, form in (("img", "to_{}"), ("txt", "add_{}_proj")):
            for kind, values in (("weight", drawn(3 * h, h)), ("bias", drawn(3 * h))):
                own[f"{double}.{stream}_attn.qkv.{kind}"] = values
                for letter, third in zip("qkv", np.split(values, 3), strict=True):
                    theirs[f"{at}.attn.{form.format(letter)}.{kind}"] = third
        for kind, values in (("weight", drawn(7 * h, h)), ("bias", drawn(7 * h))):
            own[f"{single}.linear1.{kind}"] = values
            parts = np.split(values, [h, 2 * h, 3 * h])
            for name, part in zip(("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"), parts, strict=True):
                theirs[f"{there}.{name}.{kind}"] = part
        same = {
            f"{double}.img_attn.proj.weight": (f"{at}.attn.to_out.0.weight", (h, h)),
            f"{double}.txt_attn.proj.weight": (f"{at}.attn.to_add_out.weight", (h, h)),
            f"{double}.txt_mlp.0.weight": (f"{at}.ff_context.net.0.proj.weight", (4 * h, h)),
            f"{double}.txt_attn.norm.query_norm.scale": (f"{at}.attn.norm_added_q.weight", (16,)),
            f"{double}.txt_mod.lin.weight": (f"{at}.norm1_context.linear.weight", (6 * h, h)),
            f"{single}.linear2.weight": (f"{there}.proj_out.weight", (h, 5 * h)),
            f"{single}.norm.key_norm.scale": (f"{there}.attn.norm_k.weight", (16,)),
        }
        for ours, (name, shape) in same.items():
            own[ours] = theirs[name] = drawn(*shape)
    return own, theirs


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
def test_flux_of_its_makers_is_that_of_diffusers(prefix: str) -> None:
    own, theirs = flux()
    assert evidence(made({prefix + n: v for n, v in own.items()}, {})) == evidence(made(theirs, {}))


def test_projections_of_clip_are_turned_and_its_attention_is_split() -> None:
    random = np.random.default_rng(2)
    width, text = 64, 32
    own: Tensors = {
        "visual.proj": random.normal(0, 1, (width, 48)).astype(np.float32),
        "text_projection": random.normal(0, 1, (text, 48)).astype(np.float32),
        "ln_final.weight": np.ones(text, np.float32),
    }
    theirs: Tensors = {
        "visual_projection.weight": np.ascontiguousarray(own["visual.proj"].T),
        "text_projection.weight": np.ascontiguousarray(own["text_projection"].T),
        "text_model.final_layer_norm.weight": own["ln_final.weight"],
    }
    for at, there, n in (
        ("visual.transformer", "vision_model", width),
        ("transformer", "text_model", text),
    ):
        fused_weight = random.normal(0, 1, (3 * n, n)).astype(np.float32)
        own[f"{at}.resblocks.0.attn.in_proj_weight"] = fused_weight
        own[f"{at}.resblocks.0.attn.in_proj_bias"] = fused_weight[:, 0].copy()
        own[f"{at}.resblocks.0.ln_1.weight"] = theirs[f"{there}.encoder.layers.0.layer_norm1.weight"] = np.ones(
            n, np.float32
        )
        for i, part in enumerate(("q_proj", "k_proj", "v_proj")):
            rows = fused_weight[i * n : (i + 1) * n]
            theirs[f"{there}.encoder.layers.0.self_attn.{part}.weight"] = rows
            theirs[f"{there}.encoder.layers.0.self_attn.{part}.bias"] = rows[:, 0].copy()
    assert evidence(made(own, {})) == evidence(made(theirs, {}))


def test_small_matrices_of_rwkv_7_are_turned() -> None:
    random = np.random.default_rng(2)
    own = {"blocks.0.att.receptance.weight": random.normal(0, 1, (64, 64)).astype(np.float32),
           "blocks.0.att.r_k": random.normal(0, 1, (4, 16)).astype(np.float32),
           "blocks.0.ffn.key.weight": random.normal(0, 1, (128, 64)).astype(np.float32),
           "blocks.0.att.w0": random.normal(0, 1, (1, 1, 64)).astype(np.float32),
           "blocks.0.att.w1": random.normal(0, 1, (64, 24)).astype(np.float32)}  # fmt: skip
    theirs = {"model.layers.0.attn.r_proj.weight": own["blocks.0.att.receptance.weight"],
              "model.layers.0.attn.r_k": own["blocks.0.att.r_k"],
              "model.layers.0.ffn.key.weight": own["blocks.0.ffn.key.weight"],
              "model.layers.0.attn.w_lora.lora.2.bias": own["blocks.0.att.w0"].reshape(64),
              "model.layers.0.attn.w_lora.lora.0.weight": np.ascontiguousarray(own["blocks.0.att.w1"].T)}  # fmt: skip
    assert evidence(made(own, {})) == evidence(made(theirs, {}))


def test_no_two_lines_of_a_framework_have_one_name() -> None:
    for framework in FRAMEWORKS:
        names = [ours for ours, _, _ in framework.lines]
        assert len(names) == len(set(names)), framework.name


def test_two_tensors_that_would_get_one_name_keep_their_own() -> None:
    names = ["encoder.blocks.0.attn.query.weight", "encoder.blocks.0.mlp_ln.weight", "x.encoder.blocks.0.mlp_ln.weight"]
    tensors = [logical(n, "8x8") for n in (*names, "model.encoder.layers.0.final_layer_norm.weight")]
    assert hugging_face(tensors, {}) == tensors


PARTS = st.sampled_from(
    sorted(
        {part for f in FRAMEWORKS for ours, _, _ in f.lines for part in f"{ours}.0.7.weight.bias.weight3.".split(".")}
    )
)
NAMES = st.lists(st.lists(PARTS, max_size=14).map(".".join), min_size=1, max_size=12, unique=True)
WHOLE = st.sampled_from([ours.replace("#", "0") for f in FRAMEWORKS for ours, _, _ in f.lines])
SHAPES = st.lists(st.integers(0, 1 << 40), max_size=4).map(tuple)
COUNTS = st.dictionaries(
    st.sampled_from(["num_attention_heads", "num_key_value_heads", "head_dim", "hidden_size"]), st.integers(-2, 1 << 40)
)


@settings(max_examples=200, deadline=None)
@given(NAMES, st.lists(WHOLE, max_size=30), st.lists(SHAPES, min_size=1, max_size=6), COUNTS)
def test_any_names_and_shapes_stay_as_many_parameters_under_different_names(
    names: list[str], whole: list[str], shapes: list[tuple[int, ...]], config: dict[str, object]
) -> None:
    every = list(dict.fromkeys([*names, *(f"{n}.weight" for n in whole)]))
    tensors = [
        LogicalTensor(n, "F32", shapes[i % len(shapes)], RowMajor("f", 0, "F32", 1)) for i, n in enumerate(every)
    ]
    found = hugging_face(tensors, config)
    assert sum(t.parameters for t in found) == sum(t.parameters for t in tensors)
    assert len({t.name for t in found}) == len(found)


@given(st.binary(max_size=200), st.sampled_from(["params.json", "model_config.yaml", "lit_config.json"]))
def test_a_config_of_any_bytes_is_counts_or_a_clear_error(text: bytes, file: str) -> None:
    try:
        found = read_original_config(MemorySource({file: text}))
    except FormatError as error:
        assert file in str(error)
    else:
        assert all(isinstance(v, int | float) and 0 < v < 1 << 31 for v in found.values())


@pytest.mark.parametrize("text", [b"[" * 100_000, b"[1]", b" " * (ORIGINAL_LIMIT + 1), b"\xff"])
def test_a_config_that_is_no_mapping_is_refused(text: bytes) -> None:
    with pytest.raises(FormatError, match=r"params\.json"):
        read_original_config(MemorySource({"params.json": text}))


def test_the_config_of_litgpt_says_the_heads() -> None:
    text = b"name: x\nn_head: 4\nn_query_groups: 2\nhead_size: 16\nn_embd: 64\npadded_vocab_size: 96\nbias: false\n"
    tensors = llama(3)
    own = made(litgpt_before(tensors), {}, **{"config.json": b"", "model_config.yaml": text})
    assert evidence(own) == evidence(made(tensors, CONFIG))
