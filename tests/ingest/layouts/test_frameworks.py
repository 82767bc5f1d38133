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
from forebear.ingest.metadata.originals import ORIGINAL_LIMIT, read_original_config
from forebear.ingest.model import ModelFingerprint, fingerprint_model
from forebear.ingest.names.frameworks import FRAMEWORKS
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


TORCHTUNE = {
    "model.embed_tokens": "tok_embeddings", "model.norm.weight": "norm.scale", "lm_head": "output",
    "model.layers": "layers", "self_attn.o_proj": "attn.output_proj", "self_attn": "attn", "mlp.gate_proj": "mlp.w1",
    "mlp.down_proj": "mlp.w2", "mlp.up_proj": "mlp.w3", "input_layernorm.weight": "sa_norm.scale",
    "post_attention_layernorm.weight": "mlp_norm.scale",
}  # fmt: skip


def torchtune(tensors: Mapping[str, Floats], *, pairs: bool = True) -> Tensors:
    heads = {"q_proj": 4, "k_proj": 2} if pairs else {}
    parts = {name: name.split(".")[-2] for name in tensors}
    return {
        renamed(name, TORCHTUNE): in_pairs(values, heads[parts[name]]) if parts[name] in heads else values
        for name, values in tensors.items()
    }


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


@pytest.mark.parametrize("write", [meta, torchtune, litgpt, litgpt_before, megatron_core, megatron_lm])
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


@pytest.mark.parametrize("extra", ["self_attn.q_proj.bias", "self_attn.q_norm.weight"])
def test_rows_of_torchtunes_qwen_are_in_halves_already(extra: str) -> None:
    names = [f"model.layers.{i}.{extra.replace('q_', part)}" for i in (0, 1) for part in ("q_", "k_")]
    tensors = llama() | {name: np.ones(32 if "k_" in name else 64, np.float32) for name in names}
    theirs = {re.sub("([qk]_norm).weight", r"\1.scale", n): v for n, v in torchtune(tensors, pairs=False).items()}
    found, wanted = evidence(made(theirs, CONFIG)), evidence(made(tensors, CONFIG))
    matrices = [key for key in wanted if ".weight" not in str(key) and "norm" not in str(key)]
    assert {key: found.get(key) for key in matrices} == {key: wanted[key] for key in matrices}


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
