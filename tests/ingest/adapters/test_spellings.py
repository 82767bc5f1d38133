"""One adapter has one fingerprint, whatever program wrote it: names of published files, and their layouts."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from hypothesis import given
from hypothesis import strategies as st

from forebear.ingest.adapters.modules import ATOMS, base_modules, dotted
from forebear.ingest.adapters.parts import FACTORS, UNORDERED, find_part
from forebear.ingest.model import ModelFingerprint, fingerprint_model, iter_problems

from ...cpu import cpu_at_most
from ...writers import Floats, MemorySource, safetensors_bytes
from ..formats.writers_gguf import gguf_bytes, stored

RANDOM = np.random.default_rng(17)
"""In each line: one module, as programs spell it; the first name is the one that is kept."""
MODULES = """
model.layers.3.self_attn.q_proj base_model.model.model.layers.3.self_attn.q_proj lycoris_model_layers_3_self_attn_q_proj
transformer.h.3.attn.c_attn base_model.model.transformer.h.3.attn.c_attn
text_encoder/text_model.encoder.layers.3.mlp.fc1 lora_te_text_model_encoder_layers_3_mlp_fc1 lora_te1_text_model_encoder_layers_3_mlp_fc1 text_encoder.text_model.encoder.layers.3.mlp.fc1 lora_text_encoder_text_model_encoder_layers_3_mlp_fc1
text_encoder_2/text_model.encoder.layers.3.self_attn.out_proj lora_te2_text_model_encoder_layers_3_self_attn_out_proj text_encoder_2.text_model.encoder.layers.3.self_attn.out_proj
text_encoder_3/encoder.block.3.layer.1.DenseReluDense.wi_0 lora_te3_encoder_block_3_layer_1_DenseReluDense_wi_0
unet/down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q base_model.model.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q
unet/up_blocks.0.attentions.1.proj_in lora_unet_output_blocks_1_1_proj_in lora_unet_up_blocks_0_attentions_1_proj_in
unet/mid_block.attentions.0.transformer_blocks.3.ff.net.0.proj lora_unet_middle_block_1_transformer_blocks_3_ff_net_0_proj lora_unet_mid_block_attentions_0_transformer_blocks_3_ff_net_0_proj
unet/mid_block.resnets.1.conv2 lora_unet_middle_block_2_out_layers_3 lora_unet_mid_block_resnets_1_conv2
unet/down_blocks.0.resnets.0.time_emb_proj lora_unet_input_blocks_1_0_emb_layers_1 lora_unet_down_blocks_0_resnets_0_time_emb_proj
unet/down_blocks.0.downsamplers.0.conv lora_unet_input_blocks_3_0_op lora_unet_down_blocks_0_downsamplers_0_conv
unet/up_blocks.1.upsamplers.0.conv lora_unet_output_blocks_5_2_conv lora_unet_up_blocks_1_upsamplers_0_conv
unet/mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0 unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_out lora_unet_middle_block_1_transformer_blocks_0_attn1_to_out_0
unet/blocks.3.self_attn.q diffusion_model.blocks.3.self_attn.q lora_unet_blocks_3_self_attn_q transformer.blocks.3.attn1.to_q base_model.model.blocks.3.self_attn.q blocks.3.self_attn.q unet.blocks.3.self_attn.q
unet/blocks.3.self_attn.o transformer.blocks.3.attn1.to_out.0 lora_unet_blocks_3_self_attn_o
unet/blocks.3.cross_attn.k_img transformer.blocks.3.attn2.add_k_proj lora_unet_blocks_3_cross_attn_k_img
unet/blocks.3.ffn.2 transformer.blocks.3.ffn.net.2 diffusion_model.blocks.3.ffn.2 lora_unet_blocks_3_ffn_2
unet/transformer_blocks.3.attn.to_out.0 transformer.transformer_blocks.3.attn.to_out.0 lora_unet_double_blocks_3_img_attn_proj diffusion_model.double_blocks.3.img_attn.proj double_blocks.3.img_attn.proj lora_transformer_transformer_blocks_3_attn_to_out_0 lycoris_transformer_blocks_3_attn_to_out_0 joint_blocks.3.x_block.attn.proj
unet/transformer_blocks.3.ff_context.net.2 transformer.transformer_blocks.3.ff_context.net.2 lora_unet_double_blocks_3_txt_mlp_2 lora_unet_joint_blocks_3_context_block_mlp_fc2
unet/transformer_blocks.3.norm1.linear lora_unet_double_blocks_3_img_mod_lin transformer.transformer_blocks.3.norm1.linear
unet/transformer_blocks.3.ff.net.0.proj transformer.transformer_blocks.3.ff.net.0.proj lora_unet_double_blocks_3_img_mlp_fc1 diffusion_model.double_blocks.3.img_mlp.fc1 transformer.transformer_blocks.3.ff.linear_in lora_unet_transformer_blocks_3_ff_linear_in
unet/transformer_blocks.3.ff_context.net.2 diffusion_model.double_blocks.3.txt_mlp.fc2 transformer.transformer_blocks.3.ff_context.linear_out
unet/transformer_blocks.3.norm1.linear lora_unet_double_blocks_3_img_mod_linear diffusion_model.double_blocks.3.img_mod.linear
unet/single_transformer_blocks.3.norm.linear lora_unet_single_blocks_3_modulation_linear transformer.single_transformer_blocks.3.norm.linear
unet/single_transformer_blocks.3.proj_out transformer.single_transformer_blocks.3.attn.to_out diffusion_model.single_blocks.3.linear2
unet/layers.3.attention.to_out.0 transformer.layers.3.attention.to_out.0 lora_unet_layers_3_attention_out diffusion_model.layers.3.attention.out
unet/single_transformer_blocks.3.proj_out transformer.single_transformer_blocks.3.proj_out lora_unet_single_blocks_3_linear2 diffusion_model.single_blocks.3.linear2
unet/single_transformer_blocks.3.norm.linear lora_unet_single_blocks_3_modulation_lin transformer.single_transformer_blocks.3.norm.linear
"""  # noqa: E501
LINES = [line.split() for line in MODULES.strip().splitlines()]


@pytest.mark.parametrize("names", LINES, ids=lambda names: names[0])
def test_every_spelling_of_a_module_is_that_module(names: list[str]) -> None:
    assert {name: base_modules(name) for name in names[1:]} == {name: (names[0],) for name in names[1:]}


@pytest.mark.parametrize(
    "name",
    ["lora_unet_double_blocks_2_img_attn_qkv", "double_blocks.2.img_attn_qkv", "joint_blocks.2.x_block.attn.qkv"],
)
def test_q_k_and_v_in_one_matrix_are_three_modules(name: str) -> None:
    assert base_modules(name) == tuple(f"unet/transformer_blocks.2.attn.to_{p}" for p in "qkv")


@pytest.mark.parametrize("name", ["lora_unet_layers_2_attention_qkv", "diffusion_model.layers.2.attention.qkv"])
def test_q_k_and_v_of_z_image_are_three_modules(name: str) -> None:
    assert base_modules(name) == tuple(f"unet/layers.2.attention.to_{p}" for p in "qkv")


@pytest.mark.parametrize(
    "name", ["lora_unet_single_blocks_2_linear1", "transformer.single_transformer_blocks.2.attn.to_qkv_mlp_proj"]
)
def test_the_first_matrix_of_a_single_block_of_flux_2_is_four_modules(name: str) -> None:
    parts = ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")
    assert base_modules(name) == tuple(f"unet/single_transformer_blocks.2.{part}" for part in parts)


def test_what_x_flux_adds_to_a_single_block_is_added_to_its_output() -> None:
    found = find_part("single_blocks.2.processor.proj_lora.up.weight")
    assert found is not None and base_modules(found.module) == ("unet/single_transformer_blocks.2.proj_out",)


@pytest.mark.parametrize(
    ("name", "module", "part"),
    [
        ("a.b.lora_A.weight", "a.b", "A"), ("a.b.lora_B.default.weight", "a.b", "B"),
        ("a_b.lora_down.weight", "a_b", "A"),
        ("a.b.lora.up.weight", "a.b", "B"), ("a.q_proj.lora_linear_layer.down.weight", "a.q_proj", "A"),
        ("a.attn1.processor.to_q_lora.down.weight", "a.attn1.to_q", "A"), ("a.b.lora_a", "a.b", "A"),
        ("double_blocks.0.processor.qkv_lora1.up.weight", "double_blocks.0.img_attn.qkv", "B"),
        ("double_blocks.0.processor.proj_lora2.down.weight", "double_blocks.0.txt_attn.proj", "A"),
        ("single_blocks.0.processor.qkv_lora.down.weight", "single_blocks.0.attn.qkv", "A"),
        ("a.q_proj.weight.lora_b", "a.q_proj", UNORDERED), ("a_b.alpha", "a_b", "alpha"),
        ("decoder.layers.0.mlp.linear_fc2.adapter.linear_out.weight", "decoder.layers.0.mlp.linear_fc2", "B"),
        ("layers.0.attn.k_proj.lora_b.weight", "layers.0.attn.k_proj", UNORDERED),
        ("layers.0.attn.v_proj.lora_b.weight", "layers.0.attn.v_proj", "B"),
        ("a.b.lora_magnitude_vector", "a.b", "lora_magnitude_vector"), ("a_b.dora_scale", "a_b", "dora_scale"),
        ("a.b.ia3_l", "a.b", "ia3_l"), ("a_b.lokr_w1", "a_b", "lokr_w1"), ("a_b.lokr_w2_b", "a_b", "A2"),
        ("a_b.hada_w1_a", "a_b", "B1"), ("a.b.diff_b", "a.b", "diff_b"),
    ],
)  # fmt: skip
def test_the_part_of_a_tensor_follows_from_its_name(name: str, module: str, part: str) -> None:
    found = find_part(name)
    assert found is not None and (found.module, found.part) == (module, part)


def test_names_of_whole_models_are_no_parts() -> None:
    for name in (
        "model.layers.0.audio.adapter.linear_in.weight",
        "model.layers.0.self_attn.q_proj.weight",
        "blocks.0.att.w1",
        "lm_head.weight",
        "alpha",
    ):
        assert find_part(name) is None


Pair = tuple[Floats, Floats]


def factors(shapes: Mapping[str, tuple[int, int]], rank: int = 8, layers: int = 2) -> dict[tuple[int, str], Pair]:
    """(layer, module) -> A [rank, in] and B [out, rank]."""
    made = {}
    for layer in range(layers):
        for module, (out, width) in shapes.items():
            a = RANDOM.normal(0, 1, (rank, width)).astype(np.float32)
            made[layer, module] = a, RANDOM.normal(0, 1, (out, rank)).astype(np.float32)
    return made


def spelled(
    pairs: Mapping[tuple[int, str], Pair], form: str, a: str, b: str, module: Callable[[str], str] = str
) -> dict[str, Floats]:
    tensors: dict[str, Floats] = {}
    for (layer, name), (down, up) in pairs.items():
        stem = form.format(i=layer, m=module(name))
        tensors[stem + a], tensors[stem + b] = down, up
    return tensors


def read(tensors: Mapping[str, Floats], **config: object) -> ModelFingerprint:
    files = {"adapter_model.safetensors": safetensors_bytes(tensors)}
    return fingerprint_model(
        MemorySource(files | ({"adapter_config.json": json.dumps(config).encode()} if config else {}))
    )


def kept(model: ModelFingerprint) -> dict[object, bytes]:
    """What is compared, by place."""
    assert model.adapter is not None
    return {t.named.place: t.positions.tobytes() for t in model.tensors if t.positions is not None}


LLAMA = {"self_attn.q_proj": (64, 64), "self_attn.v_proj": (32, 64), "mlp.down_proj": (64, 160)}
PEFT = (".lora_A.weight", ".lora_B.weight")
KOHYA = (".lora_down.weight", ".lora_up.weight")


def flat(module: str) -> str:
    return module.replace(".", "_")


def turned(pairs: Mapping[tuple[int, str], Pair]) -> dict[tuple[int, str], Pair]:
    return {key: (np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)) for key, (a, b) in pairs.items()}


def test_a_language_models_adapter_is_one_in_every_spelling() -> None:
    pairs = factors(LLAMA)
    peft = kept(read(spelled(pairs, "base_model.model.model.layers.{i}.{m}", *PEFT)))
    assert len(peft) == 12
    others = {
        "named": spelled(pairs, "base_model.model.model.layers.{i}.{m}", ".lora_A.x.weight", ".lora_B.x.weight"),
        "bare": spelled(pairs, "model.layers.{i}.{m}", *PEFT),
        "kohya": spelled(pairs, "lora_te_model_layers_{i}_{m}", *KOHYA, flat),
        "lycoris": spelled(pairs, "lycoris_model_layers_{i}_{m}", *KOHYA, flat),
        "mlx": spelled(turned(pairs), "model.layers.{i}.{m}", ".lora_a", ".lora_b"),
        "torchtune": spelled(pairs, "model.layers.{i}.{m}", ".lora_a.weight", ".lora_b.weight"),
    }
    others["alpha"] = others["kohya"] | {
        f"{n.partition('.')[0]}.alpha": np.ones((), np.float32) for n in others["kohya"]
    }
    others["dora"] = others["kohya"] | {
        f"{n.partition('.')[0]}.dora_scale": np.ones((64, 1), np.float32) for n in others["kohya"]
    }
    assert {name: kept(read(tensors)) == peft for name, tensors in others.items()} == dict.fromkeys(others, True)


GGUF_NAMES = {"self_attn.q_proj": "attn_q", "self_attn.v_proj": "attn_v", "mlp.down_proj": "ffn_down"}


def gguf(pairs: Mapping[tuple[int, str], Pair], **fields: object) -> ModelFingerprint:
    def own(module: str, b: Floats) -> Floats:
        if module != "self_attn.q_proj":
            return b
        return np.ascontiguousarray(b.reshape(4, 2, 8, -1).swapaxes(1, 2).reshape(64, -1))

    tensors = {}
    for (layer, module), (a, b) in pairs.items():
        stem = f"blk.{layer}.{GGUF_NAMES[module]}.weight"
        tensors[f"{stem}.lora_a"] = stored(a, Kind.F32)
        tensors[f"{stem}.lora_b"] = stored(own(module, b), Kind.F32)
    every = {"general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora"} | fields
    return fingerprint_model(MemorySource({"lora.gguf": gguf_bytes(every, tensors)}))


def test_an_adapter_in_gguf_is_that_of_peft_where_the_heads_are_known() -> None:
    pairs = factors(LLAMA)
    peft = kept(read(spelled(pairs, "base_model.model.model.layers.{i}.{m}", *PEFT)))
    assert kept(gguf(pairs, **{"llama.attention.head_count": 4})) == peft


def test_without_heads_b_of_q_in_gguf_is_not_compared_and_says_why() -> None:
    pairs = factors(LLAMA)
    peft = kept(read(spelled(pairs, "base_model.model.model.layers.{i}.{m}", *PEFT)))
    made = gguf(pairs)
    found = kept(made)
    assert found.items() < peft.items() and len(peft) - len(found) == 2
    assert made.adapter is not None and all("order of GGUF" in one.reason for one in made.adapter.exact)
    assert [one.parameters for one in made.adapter.exact] == [64 * 8] * 2


def test_q_of_torchtune_which_has_its_rows_in_pairs_is_not_compared_and_all_else_is() -> None:
    pairs = factors(LLAMA)
    peft = kept(read(spelled(pairs, "base_model.model.model.layers.{i}.{m}", *PEFT)))
    own = {
        (i, m): (a, np.ascontiguousarray(b.reshape(4, 2, 8, -1).swapaxes(1, 2).reshape(64, -1)) if "q" in m else b)
        for (i, m), (a, b) in pairs.items()
    }
    names = {"self_attn.q_proj": "attn.q_proj", "self_attn.v_proj": "attn.v_proj", "mlp.down_proj": "mlp.w2"}
    made = read(spelled(own, "layers.{i}.{m}", ".lora_a.weight", ".lora_b.weight", names.__getitem__))
    found = kept(made)
    assert found.items() < peft.items() and len(peft) - len(found) == 2
    assert made.adapter is not None and all("torchtune" in one.reason for one in made.adapter.exact)


def copies(parts: Mapping[str, tuple[int, ...]], form: str) -> str:
    """The content of an adapter whose modules have these parts, with one seed, in a spelling of its modules."""
    random = np.random.default_rng(9)
    named = {
        f"{form.format(i=i, m=m if '.{i}.' in form else flat(m))}.{part}": random.normal(size=s).astype(np.float32)
        for i, (m, (part, s)) in itertools.product(range(2), itertools.product(LLAMA, parts.items()))
    }
    return read(named).content


@pytest.mark.parametrize(
    "parts",
    [
        {"ia3_l": (64, 1)},
        {"oft_blocks": (8, 8, 8)},
        {"lokr_w1": (8, 8), "lokr_w2": (8, 8)},
        {"lokr_w1": (8, 8), "lokr_w2_a": (8, 4), "lokr_w2_b": (4, 8)},
        {"lora_A.weight": (2, 64), "lora_B.weight": (64, 2)},
    ],
    ids=lambda parts: "-".join(parts),
)
def test_copies_of_what_is_not_compared_have_one_content_in_every_spelling(parts: dict[str, tuple[int, ...]]) -> None:
    forms = ("base_model.model.model.layers.{i}.{m}", "lora_te_model_layers_{i}_{m}", "lycoris_model_layers_{i}_{m}")
    found = {copies(parts, form) for form in forms}
    assert len(found) == 1
    assert copies({**parts, "ia3_l" if "ia3_l" not in parts else "oft_r": (64, 1)}, forms[0]) not in found


WAN = {"self_attn.q": (96, 96), "cross_attn.k": (96, 96), "ffn.0": (192, 96), "ffn.2": (96, 192)}
OF_DIFFUSERS = {
    "self_attn.q": "attn1.to_q",
    "cross_attn.k": "attn2.to_k",
    "ffn.0": "ffn.net.0.proj",
    "ffn.2": "ffn.net.2",
}


def test_an_adapter_of_wan_is_one_in_every_spelling() -> None:
    pairs = factors(WAN)
    comfy = kept(read(spelled(pairs, "diffusion_model.blocks.{i}.{m}", *PEFT)))
    others = [
        spelled(pairs, "diffusion_model.blocks.{i}.{m}", *KOHYA),
        spelled(pairs, "lora_unet_blocks_{i}_{m}", *KOHYA, flat),
        spelled(pairs, "transformer.blocks.{i}.{m}", *PEFT, lambda m: OF_DIFFUSERS[m]),
        spelled(pairs, "base_model.model.blocks.{i}.{m}", *PEFT),
        spelled(pairs, "blocks.{i}.{m}", *PEFT),
    ]
    assert len(comfy) == 16 and all(kept(read(tensors)) == comfy for tensors in others)


UNET = {"1.attentions.0": ("input", "4.1"), "2.attentions.1": ("input", "8.1")}


def test_an_adapter_of_sdxl_by_blocks_is_the_one_by_diffusers_names() -> None:
    blocks: dict[str, Floats] = {}
    diffusers: dict[str, Floats] = {}
    processors: dict[str, Floats] = {}
    for ours, (side, theirs) in UNET.items():
        for leaf in ("attn1_to_q", "attn2_to_v", "ff_net_2"):
            (pair,) = factors({leaf: (64, 64)}, layers=1).values()
            ends = dict(zip(KOHYA, pair, strict=True))
            inside = f"transformer_blocks_0_{leaf}"
            blocks |= {f"lora_unet_{side}_blocks_{flat(theirs)}_{inside}{end}": v for end, v in ends.items()}
            diffusers |= {f"lora_unet_down_blocks_{flat(ours)}_{inside}{end}": v for end, v in ends.items()}
            at = f"unet.down_blocks.{ours}.transformer_blocks.0.{leaf.replace('_', '.', 1)}"
            if leaf.startswith("attn"):
                at = at.replace(".to_", ".processor.to_")
                processors |= {f"{at}_lora.{'down' if 'down' in end else 'up'}.weight": v for end, v in ends.items()}
            else:
                at = at.replace("net_2", "net.2")
                processors |= {f"{at}.lora.{'down' if 'down' in end else 'up'}.weight": v for end, v in ends.items()}
    found = kept(read(diffusers))
    assert len(found) == 12 and kept(read(blocks)) == found and kept(read(processors)) == found


def test_b_of_one_matrix_of_flux_is_cut_as_diffusers_cuts_it_and_a_counts_once() -> None:
    fused: dict[str, Floats] = {}
    split: dict[str, Floats] = {}
    for layer in range(2):
        a = RANDOM.normal(0, 1, (8, 64)).astype(np.float32)
        b = RANDOM.normal(0, 1, (3 * 64, 8)).astype(np.float32)
        fused |= {f"lora_unet_double_blocks_{layer}_img_attn_qkv.lora_down.weight": a,
                  f"lora_unet_double_blocks_{layer}_img_attn_qkv.lora_up.weight": b}  # fmt: skip
        c = RANDOM.normal(0, 1, (8, 64)).astype(np.float32)
        d = RANDOM.normal(0, 1, (3 * 64 + 256, 8)).astype(np.float32)
        fused |= {f"lora_unet_single_blocks_{layer}_linear1.lora_down.weight": c,
                  f"lora_unet_single_blocks_{layer}_linear1.lora_up.weight": d}  # fmt: skip
        for i, part in enumerate(("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")):
            rows = slice(i * 64, (i + 1) * 64 if i < 3 else None)
            stem = f"transformer.single_transformer_blocks.{layer}.{part}"
            split |= {f"{stem}.lora_A.weight": c, f"{stem}.lora_B.weight": d[rows]}
            if i < 3:
                stem = f"transformer.transformer_blocks.{layer}.{part}"
                split |= {f"{stem}.lora_A.weight": a, f"{stem}.lora_B.weight": b[rows]}
    found = kept(read(fused))
    assert kept(read(split)) == found
    assert len(found) == 2 * (1 + 3) + 2 * (1 + 4)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_factors_of_low_rank_are_kept_for_copies_in_every_spelling(rank: int) -> None:
    made = read(spelled(turned(factors(LLAMA, rank)), "model.layers.{i}.{m}", ".lora_a", ".lora_b"))
    assert not kept(made) and made.adapter is not None and len(made.adapter.exact) == 12
    assert all(f"of rank {rank}" in one.reason for one in made.adapter.exact)


def test_factors_of_decomposed_lokr_are_compared_and_its_full_blocks_say_why_not() -> None:
    tensors: dict[str, Floats] = {}
    for layer in range(2):
        stem = f"lycoris_model_layers_{layer}_self_attn_q_proj"
        tensors |= {f"{stem}.lokr_w1": RANDOM.normal(0, 1, (8, 8)).astype(np.float32),
                    f"{stem}.lokr_w2_a": RANDOM.normal(0, 1, (128, 8)).astype(np.float32),
                    f"{stem}.lokr_w2_b": RANDOM.normal(0, 1, (8, 128)).astype(np.float32)}  # fmt: skip
    made = read(tensors)
    assert len(kept(made)) == 4 and made.adapter is not None and made.adapter.kind == "LOKR"
    assert [one.parameters for one in made.adapter.exact] == [64, 64]
    assert all("no null is known for it: a full block of LoKr" in one.reason for one in made.adapter.exact)


@pytest.mark.parametrize(
    ("part", "why"), [("ia3_l", "starts at 1"), ("oft_r", "identity"), ("vera_lambda_b", "constants")]
)
def test_kinds_without_a_null_say_why(part: str, why: str) -> None:
    made = read({f"base_model.model.model.layers.0.self_attn.q_proj.{part}": np.ones((64, 1), np.float32)})
    assert made.adapter is not None and [why in one.reason for one in made.adapter.exact] == [True]


def test_second_text_encoders_factors_are_compared_beside_the_firsts() -> None:
    pairs = factors({"self_attn.q_proj": (64, 64)})
    more = factors({"self_attn.q_proj": (64, 64)})
    form = "_text_model_encoder_layers_{i}_{m}"
    both = spelled(pairs, "lora_te1" + form, *KOHYA, flat) | spelled(more, "lora_te2" + form, *KOHYA, flat)
    assert len(kept(read(both))) == 8


def test_a_module_saved_whole_in_a_layer_is_evidence_like_that_of_a_model() -> None:
    weight = RANDOM.normal(0, 1, (64, 64)).astype(np.float32)
    tensors = spelled(factors(LLAMA), "base_model.model.model.layers.{i}.{m}", *PEFT)
    tensors["base_model.model.model.layers.0.self_attn.o_proj.weight"] = weight
    made = read(tensors)
    (saved,) = [t for t in made.tensors if t.named.place.component == "language"]
    whole = fingerprint_model(
        MemorySource({"m.safetensors": safetensors_bytes({"model.layers.0.self_attn.o_proj.weight": weight})})
    )
    assert saved.named == whole.tensors[0].named or saved.named.place == whole.tensors[0].named.place
    assert saved.positions is not None and saved.positions.tobytes() == whole.tensors[0].positions.tobytes()  # type: ignore[union-attr]
    assert "saved whole" in " ".join(iter_problems(made)) and not made.skipped


def test_dora_and_stacks_of_experts_of_mlx_are_parts_of_the_adapter() -> None:
    tensors = spelled(turned(factors(LLAMA)), "model.layers.{i}.{m}", ".lora_a", ".lora_b")
    stack = {f"model.layers.0.mlp.switch_mlp.up_proj.lora_{f}": np.ones((4, 8, 64), np.float32) for f in "ab"}
    more = tensors | stack | {"model.layers.0.self_attn.q_proj.m": np.ones(64, np.float32)}
    made = read(more, fine_tune_type="dora", model="org/base", lora_parameters={"rank": 8, "scale": 1.0})
    assert kept(made) == kept(read(tensors)) and made.adapter is not None and made.adapter.dora
    assert sorted(one.parameters for one in made.adapter.exact) == [64, 2048, 2048]


def test_a_model_whose_activations_have_an_alpha_is_no_adapter() -> None:
    tensors = {"layers.0.act.alpha": np.ones(64, np.float32), "layers.0.fc1.weight": np.ones((64, 64), np.float32)}
    assert fingerprint_model(MemorySource({"m.safetensors": safetensors_bytes(tensors)})).adapter is None


def test_mlx_says_its_base_and_its_alpha() -> None:
    made = read(
        spelled(turned(factors(LLAMA)), "model.layers.{i}.{m}", ".lora_a", ".lora_b"),
        fine_tune_type="lora", model="org/base", num_layers=2, lora_parameters={"rank": 8, "scale": 20.0},
    )  # fmt: skip
    assert made.adapter is not None and made.card.parents[0].parent == "org/base"
    assert (made.adapter.kind, made.adapter.config.alpha, made.adapter.rank) == ("LORA", 160.0, 8)


@given(st.lists(st.sampled_from([*ATOMS.split(), "layers", "0", "17", "x", "lora", "te2"]), min_size=1, max_size=12))
def test_a_flattened_path_of_known_names_has_its_dots_again(parts: list[str]) -> None:
    found = dotted("_".join(parts))
    assert found.replace(".", "_") == "_".join(parts)


PIECES = (
    "lora", "lycoris", "_", ".", "unet", "blocks", "3", "lora_A", "weight", "processor", "double_blocks",
    "single_blocks", "qkv", "lokr_w2_a", "hada_w1_b",
)  # fmt: skip


@given(st.text(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_name_is_a_part_or_none_and_has_modules(name: str) -> None:
    found = find_part(name)
    assert found is None or found.part
    assert base_modules(name) and all(isinstance(m, str) for m in base_modules(found.module if found else name))
    assert not found or not found.turned or found.part in FACTORS


@pytest.mark.parametrize("piece", ["lora_", "_0", "processor.", ".lora", "lora_A.", "base_model.", "down_blocks_", "."])
def test_long_hostile_names_cost_little(piece: str) -> None:
    name = piece * (100_000 // len(piece))
    with cpu_at_most(1):
        find_part(name)
        base_modules(name)


@pytest.mark.parametrize(
    "names",
    [
        [f"lora_te{n}_text_model_encoder_layers_0_self_attn_q_proj.ia3_l" for n in (1, 2)],
        ["model.layers.0.self_attn.q_proj.ia3_l.default", "model.layers.0.self_attn.q_proj.ia3_l.other"],
    ],
    ids=["two networks", "two adapters"],
)  # fmt: skip
def test_parts_that_one_name_would_have_are_told_apart(names: list[str]) -> None:
    first, second = (np.full((64, 1), size, np.float32) for size in (1.5, 2.5))
    made = read(dict(zip(names, (first, second), strict=True)))
    found = [one.named.tensor.name for one in made.tensors]
    assert len(found) == len({*found}) == 2
    assert made.content != read(dict(zip(names, (second, first), strict=True))).content
