"""A model has the same fingerprint under the names that its makers, and other libraries, give to the same tensors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import pytest

from forebear.ingest.layouts.fused import unfuse
from forebear.ingest.model import ModelFingerprint, fingerprint_model
from forebear.ingest.names.naming import Place, name_tensors
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

from ...writers import MemorySource, llama, model_files
from ..formats.writers_fused import Floats, Tensors, grouped_qkv, halves, stacked_qkv
from .test_frameworks import CONFIG, META, in_pairs, made, meta, renamed
from .test_fused import evidence

ENDS = {"model.embed_tokens": "transformer.wte", "model.norm": "transformer.ln_f", "model.layers": "transformer.blocks"}
OLMO = ENDS | {
    "transformer.wte": "model.transformer.wte", "self_attn.o_proj": "attn_out", "mlp.down_proj": "ff_out",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ff_norm",
}  # fmt: skip
SWIGLU = {
    "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w2", "mlp.down_proj": "feed_forward.w3",
    "self_attn.o_proj": "attention.out_proj", "input_layernorm": "attention_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
EXAONE = {
    "model.embed_tokens": "transformer.wte", "model.norm": "transformer.ln_f", "model.layers": "transformer.h",
    "self_attn": "attn.attention", "attn.attention.o_proj": "attn.attention.out_proj", "mlp.gate_proj": "mlp.c_fc_0",
    "mlp.up_proj": "mlp.c_fc_1", "mlp.down_proj": "mlp.c_proj", "input_layernorm": "ln_1",
    "post_attention_layernorm": "ln_2",
}  # fmt: skip


def fused(
    tensors: Mapping[str, Floats], qkv: str, order: Callable[..., Floats], gate_up: str = "", *, up_first: bool = False
) -> Tensors:
    """With q, k and v in one matrix `qkv` of a layer, and gate and up in `gate_up` where it is named."""
    found = dict(tensors)
    for name in tensors:
        if name.endswith("q_proj.weight"):
            stem = name.removesuffix("q_proj.weight")
            parts = [found.pop(f"{stem}{letter}_proj.weight") for letter in "qkv"]
            found[f"{stem}{qkv}.weight"] = order(*parts, 4, 2)
        if gate_up and name.endswith("gate_proj.weight"):
            stem = name.removesuffix("gate_proj.weight")
            gate, up = (found.pop(f"{stem}{leaf}_proj.weight") for leaf in ("gate", "up"))
            found[f"{stem}{gate_up}.weight"] = halves(up, gate) if up_first else halves(gate, up)
    return found


def spelled(tensors: Mapping[str, Floats], table: Mapping[str, str]) -> Tensors:
    return {renamed(name, table): values for name, values in tensors.items()}


def olmo(tensors: Mapping[str, Floats]) -> Tensors:
    own = spelled(fused(tensors, "att_proj", stacked_qkv, "ff_proj", up_first=True), OLMO)
    return {
        name.replace("self_attn.att_proj", "att_proj").replace("mlp.ff_proj", "ff_proj"): v for name, v in own.items()
    }


def llada(tensors: Mapping[str, Floats]) -> Tensors:
    return spelled(tensors, OLMO | {"self_attn.": "", "mlp.gate_proj": "ff_proj", "mlp.up_proj": "up_proj"})


def open_lm(tensors: Mapping[str, Floats]) -> Tensors:
    own = spelled(fused(tensors, "in_proj", stacked_qkv, "w12"), SWIGLU | {"self_attn": "attention"})
    return {name.replace("mlp.w12", "feed_forward.w12"): values for name, values in own.items()}


def xformers(tensors: Mapping[str, Floats]) -> Tensors:
    return spelled(fused(tensors, "in_proj", stacked_qkv), SWIGLU | {"self_attn": "attention"})


def dinov2(tensors: Mapping[str, Floats]) -> Tensors:
    own = fused(tensors, "qkv_proj", stacked_qkv, "weights_in")
    return spelled(own, {"mlp.down_proj": "mlp.weights_out"})


def mpt(tensors: Mapping[str, Floats]) -> Tensors:
    return spelled(fused(tensors, "Wqkv", stacked_qkv), {"self_attn": "attn", "attn.o_proj": "attn.out_proj"})


def tiny_llama(tensors: Mapping[str, Floats]) -> Tensors:
    own = fused(tensors, "attn", grouped_qkv)
    return spelled(own, {
        "model.embed_tokens": "transformer.wte", "model.norm": "transformer.ln_f", "model.layers": "transformer.h",
        "self_attn.o_proj": "attn.proj", "self_attn.attn": "attn.attn", "mlp.gate_proj": "mlp.swiglu.w1",
        "mlp.up_proj": "mlp.swiglu.w2", "mlp.down_proj": "mlp.swiglu.w3", "input_layernorm": "norm_1",
        "post_attention_layernorm": "norm_2",
    })  # fmt: skip


def flash(tensors: Mapping[str, Floats]) -> Tensors:
    return spelled(fused(tensors, "Wqkv", stacked_qkv), {"self_attn": "mixer", "mixer.o_proj": "mixer.out_proj"})


def with_state(tensors: Mapping[str, Floats]) -> Tensors:
    moments = {f"optim.state.{n}.{s}": np.square(v) for n, v in tensors.items() for s in ("exp_avg", "exp_avg_sq")}
    return {**tensors, **moments}


def olmo_core(tensors: Mapping[str, Floats]) -> Tensors:
    return spelled(tensors, {
        "model.embed_tokens": "embeddings", "model.norm": "lm_head.norm", "lm_head.weight": "lm_head.w_out.weight",
        "model.layers": "blocks", "self_attn.o_proj": "attention.w_out", "self_attn": "attention", "_proj": "",
        "attention.q": "attention.w_q", "attention.k": "attention.w_k", "attention.v": "attention.w_v",
        "mlp.gate": "feed_forward.w1", "mlp.down": "feed_forward.w2", "mlp.up": "feed_forward.w3",
        "input_layernorm": "attention_norm", "post_attention_layernorm": "feed_forward_norm",
    })  # fmt: skip


def gpt_fast(tensors: Mapping[str, Floats]) -> Tensors:
    def in_one(q: Floats, k: Floats, v: Floats, heads: int, shared: int) -> Floats:
        return np.concatenate((in_pairs(q, heads), in_pairs(k, shared), v))

    own = spelled(fused(tensors, "wqkv", in_one), META)
    return {name.replace("self_attn.wqkv", "attention.wqkv"): values for name, values in own.items()}


def transformer_engine(tensors: Mapping[str, Floats]) -> Tensors:
    own = fused(tensors, "layernorm_qkv", grouped_qkv, "layernorm_mlp.fc1")
    return {
        name.replace("mlp.layernorm_mlp.fc1.weight", "layernorm_mlp.fc1_weight"): values
        for name, values in spelled(own, {
            "input_layernorm.weight": "self_attention.layernorm_qkv.layer_norm_weight",
            "post_attention_layernorm.weight": "layernorm_mlp.layer_norm_weight",
            "self_attn.o_proj": "self_attention.proj", "self_attn": "self_attention",
            "mlp.down_proj.weight": "layernorm_mlp.fc2_weight",
        }).items()
    }  # fmt: skip


def its_tutorial(tensors: Mapping[str, Floats]) -> Tensors:
    parts = {"q_proj": "query", "k_proj": "key", "v_proj": "value"}
    apart = {f"self_attn.{a}.weight": f"self_attention.layernorm_qkv.{b}_weight" for a, b in parts.items()}
    kept = {name: values for name, values in tensors.items() if ".gate_proj" not in name and ".up_proj" not in name}
    feed = {
        name.replace("mlp.gate_proj.weight", "layernorm_mlp.fc1_weight"): halves(
            values, tensors[name.replace("gate", "up")]
        )
        for name, values in tensors.items()
        if ".gate_proj" in name
    }
    return {**transformer_engine(spelled(kept, apart)), **feed}


def nemo(tensors: Mapping[str, Floats]) -> Tensors:
    return spelled(fused(tensors, "query_key_value", grouped_qkv), {
        "model.embed_tokens": "model.language_model.embedding.word_embeddings",
        "model.norm": "model.language_model.encoder.final_layernorm",
        "model.layers": "model.language_model.encoder.layers", "self_attn.o_proj": "self_attention.dense",
        "self_attn": "self_attention", "gate_proj": "dense_h_to_4h", "up_proj": "dense_h_to_4h_2",
        "down_proj": "dense_4h_to_h",
    })  # fmt: skip


def megatron_of_2021(tensors: Mapping[str, Floats]) -> Tensors:
    return spelled(fused(tensors, "query_key_value", grouped_qkv, "dense_h_to_4h"), {
        "model.embed_tokens": "language_model.embedding.word_embeddings",
        "model.norm": "language_model.transformer.final_layernorm",
        "model.layers": "language_model.transformer.layers", "self_attn.o_proj": "attention.dense",
        "self_attn": "attention", "down_proj": "dense_4h_to_h",
    })  # fmt: skip


def compiled(tensors: Mapping[str, Floats]) -> Tensors:
    return {re.sub(r"^layers\.(\d+)\.", r"layers.\1._orig_mod.", name): v for name, v in meta(tensors).items()}


SPELLINGS: dict[str, tuple[Callable[[Mapping[str, Floats]], Tensors], dict[str, Any]]] = {
    "OLMo": (olmo, {"model_type": "hf_olmo"}),
    "Molmo": (olmo, {"model_type": "molmo"}),
    "LLaDA": (llada, {"model_type": "llada"}),
    "open_lm": (open_lm, {"model_type": "openlm"}),
    "SwiGLU of xformers": (xformers, {}),
    "SwiGLU of DINOv2": (dinov2, {}),
    "TinyLlama": (tiny_llama, {}),
    "EXAONE": (lambda t: spelled(t, EXAONE), {"model_type": "exaone"}),
    "lit-llama": (lambda t: spelled(t, {"gate_proj": "c_fc1", "up_proj": "c_fc2", "down_proj": "c_proj"}), {}),
    "EVA-02 of timm": (lambda t: spelled(t, {"gate_proj": "fc1_g", "up_proj": "fc1_x", "down_proj": "fc2"}), {}),
    "flash-attn": (flash, {}),
    "T5X": (lambda t: {re.sub(r"layers\.(\d)", r"layers_\1", n): v for n, v in t.items()}, {}),
    "torchvision": (lambda t: {re.sub(r"layers\.(\d)", r"layers.encoder_layer_\1", n): v for n, v in t.items()}, {}),
    "Keras": (lambda t: {re.sub(r"layers\.(\d)", r"layer_\1", n): v for n, v in t.items()}, {}),
    "OLMo-core": (olmo_core, {}),
    "gpt-fast": (gpt_fast, {}),
    "Transformer Engine": (transformer_engine, {}),
    "Transformer Engine's tutorial": (its_tutorial, {}),
    "NeMo 1": (nemo, {}),
    "NeMo 1 with Transformer Engine": (
        lambda t: {n.replace("model.layers", "model.language_model.encoder.layers"): v for n, v in
                   transformer_engine(t).items()}, {}),
    "Megatron-LM of 2021": (megatron_of_2021, {}),
    "torchtitan, layers compiled": (compiled, {}),
    "a LoRA inside": (lambda t: spelled(t, {"proj.weight": "proj.parametrizations.weight.original"}), {}),
    "an optimiser's state": (with_state, {}),
    "layers beside LoRAs": (
        lambda t: {n.replace("proj.weight", "proj.base_layer.weight"): v for n, v in
                   fused(t, "qkv_proj", stacked_qkv, "gate_up_proj").items()}, {}),
    "MosaicBERT": (lambda t: fused(t, "Wqkv", stacked_qkv, "gated_layers"), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_model_in_another_spelling_has_the_same_fingerprint(name: str) -> None:
    write, config = SPELLINGS[name]
    tensors = llama(3)
    assert evidence(made(write(tensors), CONFIG | config)) == evidence(made(tensors, CONFIG))


def test_of_a_square_feed_forward_the_second_is_down_as_llama_has_it() -> None:
    shapes = {f"layers.0.feed_forward.w{n}.weight": (64, 64) for n in (1, 2, 3)}
    listed = [LogicalTensor(n, "F32", s, RowMajor("f", 0, "F32", s[-1])) for n, s in shapes.items()]
    assert [n.place.role for n in name_tensors(unfuse(listed, {}).tensors, {})] == ["gate", "down", "up"]


def test_a_model_with_loras_inside_is_a_model_and_no_adapter() -> None:
    tensors = llama(3)
    inside = spelled(tensors, {"proj.weight": "proj.parametrizations.weight.original"})
    names = [name.removesuffix(".original") for name in inside if name.endswith("original")]
    loras: Tensors = {f"{name}.0.lora_A": np.ones((2, 4, 64), np.float32) for name in names}
    loras |= {f"{name}.0.lora_B": np.ones((2, 64, 4), np.float32) for name in names}
    whole = made(inside | loras, CONFIG)
    assert whole.adapter is None
    found, plain = evidence(whole), evidence(made(tensors, CONFIG))
    kinds = {key: value for key, value in plain.items() if key[1] != "sketch"}  # type: ignore[index]
    assert {key: found.get(key) for key in kinds} == kinds


def test_heads_of_keys_may_stand_among_the_settings_of_attention() -> None:
    tensors = llama(3)
    config = {"d_model": 64, "n_heads": 4, "attn_config": {"kv_n_heads": 2}, "model_type": "mpt"}
    assert evidence(made(mpt(tensors), config)) == evidence(made(tensors, CONFIG))


def places(tensors: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    listed = [LogicalTensor(n, "F32", s, RowMajor("f", 0, "F32", s[-1])) for n, s in tensors.items()]
    return {n.tensor.name: f"{n.place.block} {n.place.role} {n.place.slot}".strip() for n in name_tensors(listed, {})}


def test_a_module_whose_name_ends_in_a_number_is_no_layer() -> None:
    tensors = llama(3)
    odd = {
        name.replace("mlp.up_proj", "mlp.layer_1").replace("mlp.down_proj", "mlp.layer_2"): v
        for name, v in tensors.items()
    }
    assert evidence(made(odd, CONFIG)) == evidence(made(tensors, CONFIG))


def test_what_a_framework_keeps_beside_a_layer_stays_in_its_stack() -> None:
    tensors = llama(3)
    own = spelled(fused(tensors, "linear_qkv", grouped_qkv, "linear_fc1"), {
        "model.embed_tokens": "embedding.word_embeddings", "model.norm": "decoder.final_layernorm",
        "model.layers": "decoder.layers", "self_attn.o_proj": "self_attention.linear_proj",
        "self_attn": "self_attention", "mlp.down_proj": "mlp.linear_fc2",
        "post_attention_layernorm": "pre_mlp_layernorm",
    })  # fmt: skip
    state = {f"decoder.layers.{layer}.mlp.linear_fc1._extra_state": np.zeros(3, np.uint8) for layer in range(2)}
    found, plain = evidence(made({**own, **state}, CONFIG)), evidence(made(tensors, CONFIG))  # type: ignore[dict-item]
    assert {place: found[place] for place in plain} == plain
    beside = cast("set[tuple[Place, str]]", found.keys() - plain.keys())
    assert {place.block for place, _ in beside} == {"language.0", "language.1"}


def test_a_diffusion_transformer_is_one_whatever_stands_before_its_names() -> None:
    native = {
        "blocks.0.self_attn.q.weight": (64, 64), "blocks.0.self_attn.norm_q.weight": (64,),
        "blocks.0.cross_attn.q.weight": (64, 64), "blocks.0.cross_attn.norm_q.weight": (64,),
        "blocks.0.ffn.0.weight": (256, 64), "time_embedding.0.weight": (64, 32),
        "patch_embedding.weight": (64, 16, 1, 2, 2),
    }  # fmt: skip
    bare, wrapped = places(native), places({f"model.diffusion_model.{n}": s for n, s in native.items()})
    assert bare == {name.removeprefix("model.diffusion_model."): place for name, place in wrapped.items()}
    assert bare["blocks.0.cross_attn.norm_q.weight"] == "denoiser.0 norm q.cross"


def wan(own: bool, blocks: int = 2) -> Tensors:
    """A small Wan in the names of its makers, or in those of diffusers."""
    random, found = np.random.default_rng(5), {}

    def put(ours: str, theirs: str, *shape: int) -> None:
        found[ours if own else theirs] = random.normal(0, 0.05, shape).astype(np.float32)

    for i in range(blocks):
        at = f"blocks.{i}"
        for ours, theirs in (("self_attn", "attn1"), ("cross_attn", "attn2")):
            for a, b in (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("o", "to_out.0")):
                put(f"{at}.{ours}.{a}.weight", f"{at}.{theirs}.{b}.weight", 64, 64)
            for part in ("norm_q", "norm_k"):
                put(f"{at}.{ours}.{part}.weight", f"{at}.{theirs}.{part}.weight", 64)
        put(f"{at}.ffn.0.weight", f"{at}.ffn.net.0.proj.weight", 256, 64)
        put(f"{at}.ffn.2.weight", f"{at}.ffn.net.2.weight", 64, 256)
        put(f"{at}.norm3.weight", f"{at}.norm2.weight", 64)
        put(f"{at}.modulation", f"{at}.scale_shift_table", 1, 6, 64)
    put("time_embedding.0.weight", "condition_embedder.time_embedder.linear_1.weight", 64, 32)
    put("time_embedding.2.weight", "condition_embedder.time_embedder.linear_2.weight", 64, 64)
    put("text_embedding.0.weight", "condition_embedder.text_embedder.linear_1.weight", 64, 96)
    put("time_projection.1.weight", "condition_embedder.time_proj.weight", 384, 64)
    put("head.head.weight", "proj_out.weight", 64, 64)
    put("head.modulation", "scale_shift_table", 1, 2, 64)
    return found


def untold(tensors: Mapping[str, Floats]) -> ModelFingerprint:
    return fingerprint_model(MemorySource(model_files(tensors, config={})))


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
def test_wan_of_its_makers_is_that_of_diffusers(prefix: str) -> None:
    own = untold({prefix + name: values for name, values in wan(own=True).items()})
    assert evidence(own) == evidence(untold(wan(own=False)))


def test_the_two_streams_of_stable_diffusion_3_have_one_modulation_each() -> None:
    single = places({f"joint_blocks.0.{s}_block.adaLN_modulation.1.weight": (384, 64) for s in ("x", "context")})
    diffusers = places({f"transformer_blocks.0.{n}.linear.weight": (384, 64) for n in ("norm1", "norm1_context")})
    assert [*single.values()] == [*diffusers.values()] == [
        "denoiser.0 other modulation", "denoiser.0 other modulation.context",
    ]  # fmt: skip


def test_attention_of_pixart_is_split_as_diffusers_has_it() -> None:
    random = np.random.default_rng(6)
    parts = {part: random.normal(0, 1, (64, 64)).astype(np.float32) for part in ("q", "k", "v", "kx", "vx", "qx")}
    own = {
        "blocks.0.attn.qkv.weight": np.concatenate([parts[p] for p in "qkv"]),
        "blocks.0.cross_attn.q_linear.weight": parts["qx"],
        "blocks.0.cross_attn.kv_linear.weight": np.concatenate((parts["kx"], parts["vx"])),
    }
    theirs = {f"transformer_blocks.0.attn1.to_{p}.weight": parts[p] for p in "qkv"}
    theirs |= {f"transformer_blocks.0.attn2.to_{p}.weight": parts[f"{p}x"] for p in "qkv"}
    assert evidence(untold(own)) == evidence(untold(theirs))


def test_umt5_of_wan_has_the_places_of_transformers() -> None:
    own = places({"blocks.0.attn.q.weight": (64, 64), "blocks.0.ffn.gate.0.weight": (160, 64),
                  "blocks.0.ffn.fc1.weight": (160, 64), "blocks.0.ffn.fc2.weight": (64, 160),
                  "blocks.0.pos_embedding.embedding.weight": (32, 4)})  # fmt: skip
    assert [place.partition(" ")[2] for place in own.values()] == ["q", "gate", "up", "down", "other relative"]


def test_what_a_controlnet_of_ldm_has_beside_half_a_unet_numbers_no_layers() -> None:
    both = {"input_blocks.0.0.weight": "conv_in.weight", "zero_convs.3.0.weight": "controlnet_down_blocks.3.weight",
            "middle_block.0.in_layers.0.weight": "mid_block.resnets.0.norm1.weight",
            "middle_block_out.0.weight": "controlnet_mid_block.weight",
            "input_hint_block.0.weight": "controlnet_cond_embedding.conv_in.weight",
            "input_hint_block.4.weight": "controlnet_cond_embedding.blocks.1.weight",
            "input_hint_block.14.weight": "controlnet_cond_embedding.conv_out.weight"}  # fmt: skip
    shapes = {name: (32,) if "in_layers" in name else (32, 32, 3, 3) for name in both}
    listed = [LogicalTensor(f"control_model.{n}", "F32", s, RowMajor("f", 0, "F32", s[-1])) for n, s in shapes.items()]
    found = {n.tensor.name: n.place.layer for n in name_tensors(unfuse(listed, {}).tensors, {})}
    assert list(found) == [f"control_model.{name}" for name in both.values()]
    assert [layer for layer in found.values() if layer is not None] == [0]


def test_norms_of_a_decoder_of_torch_have_their_places_with_their_biases() -> None:
    """`norm2` is that of cross attention where there is a third: DETR's own files, any nn.TransformerDecoder."""
    shapes = {f"transformer.decoder.layers.0.norm{n}.{kind}": (64,) for n in (1, 2, 3) for kind in ("weight", "bias")}
    found = places({**shapes, "transformer.decoder.layers.0.linear1.weight": (256, 64)})
    assert [found[name].partition(" ")[2] for name in shapes] == [
        "norm attention", "bias norm.attention", "norm cross", "bias norm.cross", "norm ffn", "bias norm.ffn",
    ]  # fmt: skip


def test_biases_of_beit_stand_beside_the_matrix_of_all_three() -> None:
    found = places({f"blocks.0.attn.{letter}_bias": (64,) for letter in "qv"})
    assert list(found.values()) == ["language.0 bias q", "language.0 bias v"]


def test_the_projection_of_a_text_encoder_is_a_projector_in_every_file() -> None:
    """In CLIP, in the folder of SDXL's second encoder, and in one file with UNet and autoencoder, turned there."""
    random = np.random.default_rng(7)
    projection, qkv = (random.normal(0, 1, s).astype(np.float32) for s in ((32, 48), (96, 32)))
    own: Tensors = {"transformer.resblocks.0.attn.in_proj_weight": qkv, "ln_final.weight": np.ones(32, np.float32),
                    "transformer.resblocks.0.ln_1.weight": np.ones(32, np.float32), "text_projection": projection,
                    "token_embedding.weight": random.normal(0, 1, (300, 32)).astype(np.float32)}  # fmt: skip
    theirs: Tensors = {
        "text_model.encoder.layers.0.layer_norm1.weight": own["transformer.resblocks.0.ln_1.weight"],
        "text_model.final_layer_norm.weight": own["ln_final.weight"],
        "text_model.embeddings.token_embedding.weight": own["token_embedding.weight"],
        "text_projection.weight": np.ascontiguousarray(projection.T),
    }
    for part, rows in zip("qkv", np.split(qkv, 3), strict=True):
        theirs[f"text_model.encoder.layers.0.self_attn.{part}_proj.weight"] = rows
    single = untold({f"conditioner.embedders.1.model.{name}": values for name, values in own.items()})
    assert evidence(single) == evidence(untold(theirs))


BUFFERS = (
    "rope_embed.periods", "model.layers.0.self_attn.qkv.bias_mask", "alphas_cumprod", "sqrt_one_minus_alphas_cumprod",
    "log_one_minus_alphas_cumprod", "posterior_mean_coef1", "model_ema.decay", "v_pred", "ztsnr",
    "pixel_mean", "criterion.empty_weight", "encoder.version", "embed_positions._float_tensor", "n_averaged",
    "normalize_inputs.buffer_observation_state.mean", "unnormalize_outputs.buffer_action.std", "mel_filters",
    "model.layers.0.mlp.tokens_per_expert", "model.layers.0.self_attn.rel_pos_indices",
)  # fmt: skip


@pytest.mark.parametrize("name", BUFFERS)
def test_what_a_file_keeps_beside_its_weights_is_a_buffer(name: str) -> None:
    """Steps of a diffusion, DINOv3's frequencies, LeRobot's statistics: one file of a model alone has them."""
    tensors = llama(3)
    found = made({**tensors, name: np.linspace(0.5, 1, 32, dtype=np.float32)}, CONFIG)
    own = {n.named.tensor.name: n.named.place for n in found.tensors}
    assert (own[name].role, own[name].slot) == ("other", "buffer")
    plain = evidence(made(tensors, CONFIG))
    assert {place: evidence(found)[place] for place in plain} == plain


@pytest.mark.parametrize("name", ["mean.weight", "decoder.logvar.weight", "actor.std.weight", "version.weight"])
def test_a_matrix_that_is_called_after_a_statistic_is_no_buffer(name: str) -> None:
    """Networks of variational autoencoders and policies have layers of these names, which are trained."""
    assert "buffer" not in places({name: (64, 32)})[name]
