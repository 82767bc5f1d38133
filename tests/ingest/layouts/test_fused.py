"""Fused and unfused copies of one model have one fingerprint; the order of rows is that of the published code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebear.ingest.layouts.fused import TRANSPOSED_VALUES, unfuse
from forebear.ingest.layouts.rearranged import MOST_EXPERTS
from forebear.ingest.model import ModelFingerprint, fingerprint_model
from forebear.ingest.storage.logical import LogicalTensor, RowMajor
from forebear.ingest.storage.reader import Range
from forebear.ingest.storage.views import WHOLE_ROW, transposed

from ...writers import MemorySource, llama, model_files
from ..formats.writers_fused import (
    Floats,
    conv1d,
    fuse_gate_up,
    fuse_qkv,
    grouped_qkv,
    load_model,
    stack_experts,
    stacked_qkv,
)

RANDOM = np.random.default_rng(7)


def fingerprint(
    tensors: Mapping[str, Floats], config: Mapping[str, Any], tokenizer: Mapping[str, Any]
) -> ModelFingerprint:
    return fingerprint_model(MemorySource(model_files(tensors, config=config, tokenizer=tokenizer)))


def evidence(made: ModelFingerprint) -> dict[object, bytes]:
    """Everything that is kept of a model, by place and kind."""
    kept: dict[object, bytes] = {}
    for one in made.tensors:
        for kind in ("positions", "values", "gram", "minhash"):
            if (found := getattr(one, kind)) is not None:
                kept[one.named.place, kind] = found.tobytes()
        facts = (one.statistics, one.named.represents, one.named.tensor.shape)
        kept[one.named.place, "facts"] = repr(facts).encode()
    for rows in made.tokens:
        kept[rows.named.place, "tokens"] = rows.keys.tobytes() + rows.values.tobytes()
    for sketch in made.sketches:
        kept[sketch.component, "sketch"] = sketch.positions + sketch.gram + sketch.minhash.tobytes()
    return kept


def equal_heads(seed: int = 3) -> tuple[dict[str, Floats], dict[str, Any]]:
    """A model with as many heads of k as of q, and biases."""
    tensors = llama(seed)
    for layer in range(2):
        at = f"model.layers.{layer}.self_attn"
        for part in ("k_proj", "v_proj"):
            tensors[f"{at}.{part}.weight"] = RANDOM.normal(0, 0.02, (64, 64)).astype(np.float32)
        for part in ("q_proj", "k_proj", "v_proj"):
            tensors[f"{at}.{part}.bias"] = RANDOM.normal(0, 0.02, 64).astype(np.float32)
    config = {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 4, "num_hidden_layers": 2}
    return tensors, config | {"vocab_size": 96, "tie_word_embeddings": True, "model_type": "llama"}


@pytest.mark.parametrize(
    ("leaf", "model_type", "order", "extra"),
    [
        ("qkv_proj", "phi3", stacked_qkv, {}),
        ("W_pack", "baichuan", stacked_qkv, {}),
        ("c_attn", "qwen", stacked_qkv, {}),
        ("query_key_value", "falcon", grouped_qkv, {"new_decoder_architecture": True}),
        ("wqkv", "internlm2", grouped_qkv, {}),
        ("query_key_value", "chatglm", stacked_qkv, {"multi_query_attention": True, "multi_query_group_num": 2}),
    ],
)
@pytest.mark.parametrize("name", ["alder", "cedar"])
def test_one_matrix_of_q_k_v_and_one_of_gate_up_make_the_fingerprint_of_the_unfused_model(
    zoo: Path, name: str, leaf: str, model_type: str, order: Any, extra: dict[str, Any]
) -> None:
    tensors, config, tokenizer = load_model(zoo / name)
    fused = fuse_gate_up(fuse_qkv(tensors, config, leaf, order))
    assert len(fused) < len(tensors)
    made = fingerprint(fused, config | extra | {"model_type": model_type}, tokenizer)
    assert evidence(made) == evidence(fingerprint(tensors, config, tokenizer))


@pytest.mark.parametrize(
    ("leaf", "model_type", "order", "extra"),
    [
        ("query_key_value", "gpt_neox", grouped_qkv, {}),
        ("query_key_value", "bloom", grouped_qkv, {"n_head": 4}),
        ("query_key_value", "falcon", grouped_qkv, {"multi_query": False}),
        ("c_attn", "gpt_bigcode", grouped_qkv, {"multi_query": False}),
        ("Wqkv", "mpt", stacked_qkv, {}),
        ("qkv", "a vision tower", stacked_qkv, {"num_attention_heads": 12}),
    ],
)
def test_heads_that_do_not_share_are_split_too_with_their_biases(
    leaf: str, model_type: str, order: Any, extra: dict[str, Any]
) -> None:
    tensors, config = equal_heads()
    fused = fuse_qkv(tensors, config, leaf, order)
    made = fingerprint(fused, config | extra | {"model_type": model_type}, {"model": {"vocab": {}}})
    assert evidence(made) == evidence(fingerprint(tensors, config, {"model": {"vocab": {}}}))


def test_multi_query_has_one_head_of_k_and_v() -> None:
    tensors, config = equal_heads()
    for name in [n for n in tensors if "k_proj" in n or "v_proj" in n]:
        tensors[name] = tensors[name][:16]
    fused = fuse_qkv(tensors, config, "query_key_value", stacked_qkv)
    made = fingerprint(fused, config | {"model_type": "falcon"}, {"model": {"vocab": {}}})
    assert evidence(made) == evidence(fingerprint(tensors, config, {"model": {"vocab": {}}}))


def test_matrices_stored_as_in_out_are_turned() -> None:
    tensors, config = equal_heads()
    made = fingerprint(conv1d(tensors, config), config | {"model_type": "gpt2"}, {"model": {"vocab": {}}})
    assert evidence(made) == evidence(fingerprint(tensors, config, {"model": {"vocab": {}}}))


@pytest.mark.parametrize(("turned", "alternating"), [(False, False), (True, False), (True, True)])
def test_stacked_experts_are_single_ones(zoo: Path, turned: bool, alternating: bool) -> None:
    tensors, config, tokenizer = load_model(zoo / "alder-moe")
    stacked = stack_experts(tensors, turned=turned, alternating=alternating)
    made = fingerprint(stacked, config | {"model_type": "gpt_oss" if alternating else "mixtral"}, tokenizer)
    assert evidence(made) == evidence(fingerprint(tensors, config, tokenizer))


def rows(tensors: list[LogicalTensor], data: bytes) -> dict[str, Floats]:
    """All values of some tensors that lie in `data`."""
    found = {}
    for tensor in tensors:
        wanted = range(tensor.matrix[0])
        chunks = [data[r.offset : r.end] for r in tensor.storage.ranges(wanted)]
        found[tensor.name.split(".")[-2]] = tensor.storage.decode(wanted, chunks)
    return found


def plain(name: str, values: Floats) -> tuple[LogicalTensor, bytes]:
    columns = values.size // values.shape[0]
    return LogicalTensor(name, "F32", values.shape, RowMajor("f", 0, "F32", columns)), values.tobytes()


def test_the_rows_of_neox_are_those_of_its_forward_pass() -> None:
    heads, size, hidden = 4, 6, 24
    weight = RANDOM.normal(size=(3 * hidden, hidden)).astype(np.float32)
    x = RANDOM.normal(size=hidden)
    tensor, data = plain("layers.0.attention.query_key_value.weight", weight)
    config = {"model_type": "gpt_neox", "num_attention_heads": heads, "hidden_size": hidden}
    found = rows(list(unfuse([tensor], config).tensors), data)
    # GPTNeoXAttention.forward: view(..., heads, 3 * head_size), then chunk(3, dim=-1)
    q, k, v = np.split((weight @ x).reshape(heads, 3 * size), 3, axis=-1)
    for part, expected in (("q_proj", q), ("k_proj", k), ("v_proj", v)):
        np.testing.assert_allclose((found[part] @ x).reshape(heads, size), expected, rtol=1e-5)


def test_the_rows_of_bloom_are_those_of_its_forward_pass() -> None:
    heads, size, hidden = 4, 6, 24
    weight = RANDOM.normal(size=(3 * hidden, hidden)).astype(np.float32)
    x = RANDOM.normal(size=hidden)
    tensor, data = plain("h.0.self_attention.query_key_value.weight", weight)
    found = rows(list(unfuse([tensor], {"model_type": "bloom", "n_head": heads, "hidden_size": hidden}).tensors), data)
    # BloomAttention._reshape: view(batch, length, heads, 3, head_dim), then [..., 0, :], [..., 1, :], [..., 2, :]
    fused = (weight @ x).reshape(heads, 3, size)
    for i, part in enumerate(("q_proj", "k_proj", "v_proj")):
        np.testing.assert_allclose((found[part] @ x).reshape(heads, size), fused[:, i], rtol=1e-5)


def test_the_rows_of_falcon_are_those_of_its_forward_pass() -> None:
    heads, shared, size, hidden = 8, 2, 4, 32
    weight = RANDOM.normal(size=((heads + 2 * shared) * size, hidden)).astype(np.float32)
    x = RANDOM.normal(size=hidden)
    tensor, data = plain("h.0.self_attention.query_key_value.weight", weight)
    config = {"model_type": "falcon", "num_attention_heads": heads, "num_kv_heads": shared, "hidden_size": hidden}
    found = rows(list(unfuse([tensor], config | {"new_decoder_architecture": True}).tensors), data)
    # FalconAttention._split_heads: view(..., kv_heads, heads // kv_heads + 2, head_dim), then [:-2], [-2], [-1]
    fused = (weight @ x).reshape(shared, heads // shared + 2, size)
    np.testing.assert_allclose(found["q_proj"] @ x, fused[:, :-2].ravel(), rtol=1e-5)
    np.testing.assert_allclose(found["k_proj"] @ x, fused[:, -2].ravel(), rtol=1e-5)
    np.testing.assert_allclose(found["v_proj"] @ x, fused[:, -1].ravel(), rtol=1e-5)


def test_the_experts_of_gpt_oss_are_those_of_its_forward_pass() -> None:
    experts, hidden, inner = 3, 8, 12
    weight = RANDOM.normal(size=(experts, hidden, 2 * inner)).astype(np.float32)
    down = RANDOM.normal(size=(experts, inner, hidden)).astype(np.float32)
    one, data = plain("layers.0.mlp.experts.gate_up_proj", weight)
    two = LogicalTensor(
        "layers.0.mlp.experts.down_proj", "F32", down.shape, RowMajor("f", len(data), "F32", inner * hidden)
    )
    x = RANDOM.normal(size=hidden)
    for tensor in unfuse([one, two], {"model_type": "gpt_oss"}).tensors:
        expert = int(tensor.name.split(".")[4])
        values = next(iter(rows([tensor], data + down.tobytes()).values()))
        # GptOssExperts.forward: x @ gate_up_proj[e], then gate = [..., ::2], up = [..., 1::2]; then @ down_proj[e]
        if "down" in tensor.name:
            assert np.array_equal(values, down[expert].T)
        else:
            expected = (x @ weight[expert])[int("up_proj" in tensor.name) :: 2]
            np.testing.assert_allclose(values @ x, expected, rtol=1e-5)


def test_the_first_qwen_calls_gate_w2() -> None:
    gate, up = RANDOM.normal(size=(2, 12, 8)).astype(np.float32)
    tensors = [plain("transformer.h.0.mlp.w2.weight", gate)[0], plain("transformer.h.0.mlp.w1.weight", up)[0]]
    assert [t.name for t in unfuse(tensors, {"model_type": "qwen"}).tensors] == [
        "transformer.h.0.mlp.gate_proj.weight",
        "transformer.h.0.mlp.up_proj.weight",
    ]
    assert list(unfuse(tensors, {"model_type": "mixtral"}).tensors) == tensors


def test_clip_keeps_q_k_and_v_in_one_parameter_without_a_module() -> None:
    tensors, config = equal_heads()
    fused = {
        name.replace("in_proj.", "in_proj_"): values
        for name, values in fuse_qkv(tensors, config, "in_proj", stacked_qkv).items()
    }
    assert "model.layers.0.self_attn.in_proj_weight" in fused and "model.layers.0.self_attn.in_proj_bias" in fused
    made = fingerprint(fused, {}, {"model": {"vocab": {}}})
    assert evidence(made) == evidence(fingerprint(tensors, {}, {"model": {"vocab": {}}}))


def flux(*, original: bool) -> dict[str, Floats]:
    """Two double and two single blocks, as Black Forest Labs and as diffusers name and cut them."""
    random = np.random.default_rng(5)
    made: dict[str, Floats] = {}

    def put(theirs: str, ours: list[str], *shape: int) -> None:
        values = random.normal(0, 0.02, (len(ours) * shape[0], *shape[1:])).astype(np.float32)
        if original:
            made[theirs] = values
        else:
            made.update(zip(ours, np.split(values, len(ours)), strict=True))

    for i in range(2):
        at, to = f"double_blocks.{i}", f"transformer_blocks.{i}"
        for kind in ("weight", "bias"):
            shape = (64, 64)[: 2 if kind == "weight" else 1]
            put(f"{at}.img_attn.qkv.{kind}", [f"{to}.attn.to_{p}.{kind}" for p in "qkv"], *shape)
            put(f"{at}.txt_attn.qkv.{kind}", [f"{to}.attn.add_{p}_proj.{kind}" for p in "qkv"], *shape)
        put(f"{at}.img_attn.proj.weight", [f"{to}.attn.to_out.0.weight"], 64, 64)
        put(f"{at}.txt_attn.proj.weight", [f"{to}.attn.to_add_out.weight"], 64, 64)
        put(f"{at}.img_mlp.0.weight", [f"{to}.ff.net.0.proj.weight"], 256, 64)
        put(f"{at}.img_mlp.2.weight", [f"{to}.ff.net.2.weight"], 64, 256)
        put(f"{at}.txt_mlp.0.weight", [f"{to}.ff_context.net.0.proj.weight"], 256, 64)
        put(f"{at}.txt_mlp.2.weight", [f"{to}.ff_context.net.2.weight"], 64, 256)
        put(f"{at}.img_attn.norm.query_norm.scale", [f"{to}.attn.norm_q.weight"], 16)
        put(f"{at}.txt_attn.norm.key_norm.scale", [f"{to}.attn.norm_added_k.weight"], 16)
        at, to = f"single_blocks.{i}", f"single_transformer_blocks.{i}"
        mixed = random.normal(0, 0.02, (448, 64)).astype(np.float32)
        parts = {f"{to}.attn.to_{p}.weight": mixed[64 * n : 64 * n + 64] for n, p in enumerate("qkv")}
        made |= {f"{at}.linear1.weight": mixed} if original else parts | {f"{to}.proj_mlp.weight": mixed[192:]}
        put(f"{at}.linear2.weight", [f"{to}.proj_out.weight"], 64, 320)
    return made


def test_the_two_layouts_of_flux_have_one_fingerprint() -> None:
    one, other = (fingerprint(flux(original=o), {}, {"model": {"vocab": {}}}) for o in (True, False))
    assert evidence(one) == evidence(other)
    assert {t.named.place.component for t in one.tensors} == {"denoiser"}


def test_the_rows_of_a_gated_delta_net_are_those_of_its_forward_pass() -> None:
    keys, values, key, value, hidden = 2, 6, 4, 5, 12
    weight = RANDOM.normal(size=(2 * keys * key + 2 * values * value, hidden)).astype(np.float32)
    x = RANDOM.normal(size=hidden)
    tensor, data = plain("model.layers.0.linear_attn.in_proj_qkvz.weight", weight)
    config: dict[str, Any] = {"linear_num_key_heads": keys, "linear_num_value_heads": values}
    config |= {"linear_key_head_dim": key, "linear_value_head_dim": value, "model_type": "qwen3_next"}
    found = rows(list(unfuse([tensor], config).tensors), data)
    # fix_query_key_value_ordering: view(keys, 2 key + 2 value * values / keys), split into q, k, v, z
    shared = values // keys * value
    parts = np.split((weight @ x).reshape(keys, -1), np.cumsum([key, key, shared]), axis=1)
    for name, expected in zip(("q_proj", "k_proj", "v_proj", "z_proj"), parts, strict=True):
        np.testing.assert_allclose(found[name] @ x, expected.ravel(), rtol=1e-4, atol=1e-6)
    assert unfuse([tensor], config | {"linear_num_value_heads": 5}).tensors == (tensor,)


@pytest.mark.parametrize(
    "config", [{}, {"num_attention_heads": 7}, {"num_attention_heads": "4"}, {"num_attention_heads": 0}]
)
def test_a_fused_matrix_that_does_not_fit_the_config_stays_as_it_is(config: dict[str, Any]) -> None:
    tensor, _ = plain("layers.0.attention.query_key_value.weight", np.zeros((72, 24), np.float32))
    assert unfuse([tensor], {"model_type": "gpt_neox", "hidden_size": 24, **config}).tensors == (tensor,)


def test_a_part_that_is_there_already_is_not_made_twice() -> None:
    fused, _ = plain("layers.0.self_attn.qkv_proj.weight", np.zeros((72, 24), np.float32))
    q, _ = plain("layers.0.self_attn.q_proj.weight", np.zeros((24, 24), np.float32))
    for tensors in ([fused, q], [q, fused]):
        assert list(unfuse(tensors, {}).tensors) == tensors


def test_a_wide_transposed_matrix_is_read_in_pieces_and_a_narrow_one_whole() -> None:
    for columns, ranges in ((WHOLE_ROW // 4, 1), (WHOLE_ROW // 4 + 1, 6)):
        values = RANDOM.normal(size=(6, columns)).astype(np.float32)
        view = transposed(RowMajor("f", 0, "F32", columns), 6, columns)
        assert view is not None
        found = view.ranges([0, 1, 2, 3])
        assert len(found) == ranges and sum(r.length for r in found) == (6 * columns * 4 if ranges == 1 else 6 * 16)
        data = values.tobytes()
        assert np.array_equal(view.decode([0, 1, 2, 3], [data[r.offset : r.end] for r in found]), values.T[:4])


def test_what_scattered_rows_cost_is_capped_and_said() -> None:
    width = 4096
    layers = TRANSPOSED_VALUES // (3 * width * width) + 2
    tensors = [
        LogicalTensor(f"h.{i}.attn.c_attn.weight", "F16", (width, 3 * width), RowMajor("f", 0, "F16", 3 * width))
        for i in reversed(range(layers))
    ]
    made = unfuse(tensors, {"model_type": "gpt2", "n_head": 32, "n_embd": width})
    assert len(made.skipped) == 2 and {s.name.split(".")[1] for s in made.skipped} == {str(layers - 1), str(layers - 2)}
    assert "[in, out]" in made.skipped[0].reason
    assert sum(t.parameters for t in made.tensors) <= TRANSPOSED_VALUES


def test_absurd_stacks_of_experts_stay_as_they_are() -> None:
    tensor = LogicalTensor("mlp.experts.gate_up_proj", "F32", (MOST_EXPERTS + 1, 0, 4), RowMajor("f", 0, "F32", 0))
    assert unfuse([tensor], {}).tensors == (tensor,)


sizes = st.integers(0, 40)
leaves = st.sampled_from(
    [
        "attn.c_attn",
        "c_fc",
        "mlp.experts.gate_up_proj",
        "mlp.experts.down_proj",
        "qkv_proj",
        "query_key_value",
        "gate_up_proj",
    ]
)


@given(
    st.lists(
        st.tuples(leaves, st.lists(sizes, min_size=0, max_size=4), st.sampled_from([".weight", ".bias", "", "_bias"]))
    ),
    st.sampled_from(["gpt2", "gpt_neox", "gpt_oss", "falcon", "chatglm", "phi3"]),
    st.dictionaries(
        st.sampled_from(["num_attention_heads", "num_kv_heads", "head_dim", "hidden_size"]),
        st.one_of(st.integers(), st.text()),
    ),
)
def test_whatever_shapes_and_configs_say_no_value_is_lost_and_none_is_outside(
    specs: list[tuple[str, list[int], str]], model_type: str, config: dict[str, Any]
) -> None:
    tensors, end = [], 0
    for i, (leaf, shape, kind) in enumerate(specs):
        size = int(np.prod(shape, dtype=int))
        columns = size // shape[0] if len(shape) > 1 and shape[0] else size
        tensors.append(
            LogicalTensor(f"h.{i}.{leaf}{kind}", "F32", tuple(shape), RowMajor("f", 4 * end, "F32", columns))
        )
        end += size
    made = unfuse(tensors, config | {"model_type": model_type})
    assert sum(t.parameters for t in made.tensors) + sum(s.parameters for s in made.skipped) == end
    for tensor in made.tensors:
        if tensor.parameters:
            ranges: list[Range] = tensor.storage.ranges(range(min(16, tensor.matrix[0])))
            assert all(r.offset >= 0 and r.end <= 4 * end for r in ranges)
