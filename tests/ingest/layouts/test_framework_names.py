"""Names of other frameworks have the places of Hugging Face's; what is turned or cut there is so here."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from forebear.ingest.layouts.frameworks import hugging_face
from forebear.ingest.layouts.fused import unfuse
from forebear.ingest.names.frameworks import FRAMEWORKS
from forebear.ingest.names.naming import name_tensors
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

from ..formats.writers_fused import Floats, Tensors
from .test_frameworks import made
from .test_fused import evidence

Line = tuple[str, str, str]


def spellings() -> dict[str, tuple[list[str], list[Line]]]:
    """Framework -> names that it is known by, and (its name, the name in Hugging Face, shape) of tensors as published.

    Of the tensors of one layer; what is known by other names than these has them in lines that begin with `+`.
    """
    found: dict[str, tuple[list[str], list[Line]]] = {}
    for path in sorted((Path(__file__).parent / "spellings").glob("*.txt")):
        marks: list[str] = []
        lines: list[Line] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                marks, lines = found.setdefault(line[1:].strip(), ([], []))
            elif line.startswith("+"):
                marks.append(line[1:].strip())
            elif line:
                ours, theirs, size = (part.strip() for part in line.split("|"))
                lines.append((ours, theirs, size))
    return found


SPELLINGS = spellings()
HINT = np.linspace(-1, 1, 64, dtype=np.float32)


def logical(name: str, size: str) -> LogicalTensor:
    shape = () if size == "-" else tuple(int(n) for n in size.split("x"))
    return LogicalTensor(name, "F32", shape, RowMajor("f", 0, "F32", shape[-1] if shape else 1))


@pytest.mark.parametrize("framework", SPELLINGS)
def test_every_name_of_the_framework_has_the_place_that_it_has_in_hugging_face(framework: str) -> None:
    known_by, lines = SPELLINGS[framework]
    own = [logical(ours, size) for ours, _, size in lines]
    marks = [logical(name, "192x64") for name in known_by]
    theirs = [logical(name, size) for _, name, size in lines]
    found = {n.tensor.name: n.place for n in name_tensors(unfuse([*own, *marks], {}).tensors, {})}
    hf_marks = [t for t in unfuse([*own, *marks], {}).tensors if t.name not in {x.name for x in theirs}]
    wanted = {n.tensor.name: n.place for n in name_tensors([*theirs, *hf_marks], {})}
    assert found == wanted and {t.name for t in theirs} <= found.keys()


def test_the_attention_of_an_autoencoder_of_ldm_is_matrices() -> None:
    random = np.random.default_rng(4)
    values = {part: random.normal(0, 1, (64, 64)).astype(np.float32) for part in ("q", "k", "v", "proj_out")}
    own = {f"first_stage_model.encoder.mid.attn_1.{p}.weight": v[:, :, None, None] for p, v in values.items()}
    names = {"q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}
    theirs = {f"encoder.mid_block.attentions.0.{names[p]}.weight": v for p, v in values.items()}
    assert evidence(made(own, {})) == evidence(made(theirs, {}))


def test_a_convnext_2_is_one_model_in_its_three_spellings() -> None:
    random = np.random.default_rng(5)
    parts = {
        "dwconv": (64, 1, 7, 7),
        "layernorm": (64,),
        "pwconv1": (256, 64),
        "grn": (1, 1, 1, 256),
        "pwconv2": (64, 256),
    }
    of_timm = {"dwconv": "conv_dw", "layernorm": "norm", "pwconv1": "mlp.fc1", "grn": "mlp.grn", "pwconv2": "mlp.fc2"}
    of_grn = {"weight": "gamma", "bias": "beta"}
    transformers, timm, facebook = {}, {}, {}
    for layer, (part, shape), kind in itertools.product(range(4), parts.items(), ("weight", "bias")):
        values = random.normal(size=shape if kind == "weight" or part == "grn" else shape[:1]).astype(np.float32)
        transformers[f"convnextv2.encoder.stages.0.layers.{layer}.{part}.{kind}"] = values
        timm[f"stages.0.blocks.{layer}.{of_timm[part]}.{kind}"] = values.reshape(-1) if part == "grn" else values
        own = f"grn.{of_grn[kind]}" if part == "grn" else f"{part.replace('layer', '')}.{kind}"
        facebook[f"stages.0.{layer}.{own}"] = values
    wanted = evidence(made(transformers, {}))
    assert evidence(made(timm, {})) == wanted and evidence(made(facebook, {})) == wanted
    assert len(made(transformers, {}).tensors) == len(transformers)


@pytest.mark.parametrize(
    "tower",
    [
        ["stages.0.0.pwconv1.weight", "stages.0.0.gamma"],
        ["stages.0.0.pwconv1.weight", "stages.0.0.grn.gamma"],
        ["stages.0.blocks.0.conv_dw.weight", "stages.0.blocks.0.gamma"],
        ["stages.0.blocks.0.conv_dw.weight", "stages.0.blocks.0.mlp.grn.weight"],
    ],
)
def test_a_text_model_with_a_convnext_in_it_keeps_its_own_norm_and_head(tower: list[str]) -> None:
    names = ["model.embed_tokens.weight", "model.norm.weight", "score.head.norm.weight", "head.weight"]
    given = [logical(name, "64") for name in [*names, *(f"vision_tower.{name}" for name in tower)]]
    assert hugging_face(given, {}) == given
    assert hugging_face(given[1:], {}) != given[1:]


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


def test_a_controlnet_of_flux_has_its_double_blocks_alone() -> None:
    own, theirs = (
        {name: values for name, values in tensors.items() if "single" not in name and "norm_out" not in name}
        for tensors in flux()
    )
    del own["final_layer.adaLN_modulation.1.weight"]
    beside = {"controlnet_blocks.0.weight": own["double_blocks.0.img_attn.proj.weight"], "pos_embed_input.bias": HINT}
    assert evidence(made({**own, **beside}, {})) == evidence(made({**theirs, **beside}, {}))


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
