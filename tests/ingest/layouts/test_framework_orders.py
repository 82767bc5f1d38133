"""Rows that makers fuse, swap or turn have the order that transformers and diffusers give them; experts are apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from forebear.ingest.model import ModelFingerprint, fingerprint_model

from ...writers import MemorySource, model_files
from ..formats.writers_fused import Floats, Tensors
from ..formats.writers_quantised import mxfp4
from .test_frameworks import in_pairs, made
from .test_fused import evidence

WIDTH = 64
_RANDOM = np.random.default_rng(2027)


def values(*shape: int) -> Floats:
    return _RANDOM.normal(0, 0.05, shape).astype(np.float32)


def swapped(rows: Floats) -> Floats:
    return np.concatenate(np.split(rows, 2)[::-1])


def cut(pattern: str, rows: Floats, letters: str = "qkv") -> Tensors:
    parts = np.split(rows, len(letters))
    return {pattern.replace("?", letter): part for letter, part in zip(letters, parts, strict=True)}


def stable_diffusion_3() -> tuple[Tensors, Tensors]:
    """Two blocks, of which the last has no FFN of the context, and modulates it by a scale and a shift."""
    own: Tensors = {}
    theirs: Tensors = {}
    for layer, rows in ((0, 6), (1, 2)):
        at, there = f"joint_blocks.{layer}.", f"transformer_blocks.{layer}."
        for stream, form in (("x_block", "to_?"), ("context_block", "add_?_proj")):
            for kind, fused in (("weight", values(3 * WIDTH, WIDTH)), ("bias", values(3 * WIDTH))):
                own[f"{at}{stream}.attn.qkv.{kind}"] = fused
                theirs |= cut(f"{there}attn.{form}.{kind}", fused)
        for kind, shape in (("weight", (rows * WIDTH, WIDTH)), ("bias", (rows * WIDTH,))):
            context, image = values(*shape), values(*((6 * WIDTH, *shape[1:])))
            own[f"{at}context_block.adaLN_modulation.1.{kind}"] = context
            theirs[f"{there}norm1_context.linear.{kind}"] = swapped(context) if rows == 2 else context
            own[f"{at}x_block.adaLN_modulation.1.{kind}"] = theirs[f"{there}norm1.linear.{kind}"] = image
    return own, theirs


def cogvideox() -> tuple[Tensors, Tensors]:
    """Twelve parts of a modulation: of the video for attention, for the FFN, then those of the text."""
    own: Tensors = {}
    theirs: Tensors = {}
    for layer in range(2):
        at, there = f"transformer.layers.{layer}.", f"transformer_blocks.{layer}."
        fused = values(3 * WIDTH, WIDTH)
        own[f"{at}attention.query_key_value.weight"] = fused
        theirs |= cut(f"{there}attn1.to_?.weight", fused)
        for kind, shape in (("weight", (12 * WIDTH, WIDTH)), ("bias", (12 * WIDTH,))):
            parts = np.split(values(*shape), 4)
            own[f"mixins.adaln_layer.adaLN_modulations.{layer}.1.{kind}"] = np.concatenate(parts)
            theirs[f"{there}norm1.linear.{kind}"] = np.concatenate(parts[0::2])
            theirs[f"{there}norm2.linear.{kind}"] = np.concatenate(parts[1::2])
    return own, theirs


def mochi() -> tuple[Tensors, Tensors]:
    own: Tensors = {}
    theirs: Tensors = {}
    for layer in range(2):
        at, there = f"blocks.{layer}.", f"transformer_blocks.{layer}."
        for stream, form, ffn in (("x", "to_?", "ff"), ("y", "add_?_proj", "ff_context")):
            fused, gated = values(3 * WIDTH, WIDTH), values(4 * WIDTH, WIDTH)
            own |= {f"{at}attn.qkv_{stream}.weight": fused, f"{at}mlp_{stream}.w1.weight": gated}
            theirs |= cut(f"{there}attn1.{form}.weight", fused)
            theirs[f"{there}{ffn}.net.0.proj.weight"] = swapped(gated)
    return own, theirs


def hunyuan_dit() -> tuple[Tensors, Tensors]:
    own: Tensors = {}
    theirs: Tensors = {}
    for layer in range(2):
        at = f"blocks.{layer}."
        fused, both = values(3 * WIDTH, WIDTH), values(2 * WIDTH, 48)
        own |= {f"{at}attn1.Wqkv.weight": fused, f"{at}attn2.kv_proj.weight": both}
        theirs |= cut(f"{at}attn1.to_?.weight", fused) | cut(f"{at}attn2.to_?.weight", both, "kv")
        second, third = values(WIDTH), values(WIDTH)
        own |= {f"{at}norm2.weight": second, f"{at}norm3.weight": third}
        theirs |= {f"{at}norm3.weight": second, f"{at}norm2.weight": third}
    return own, theirs


def stable_audio() -> tuple[Tensors, Tensors]:
    own: Tensors = {"timestep_features.weight": values(16, 1)}
    theirs: Tensors = {"time_proj.weight": own["timestep_features.weight"].reshape(16)}
    for layer in range(2):
        at, there = f"transformer.layers.{layer}.", f"transformer_blocks.{layer}."
        fused, both, gain = values(3 * WIDTH, WIDTH), values(64, 48), values(WIDTH)
        own |= {f"{at}self_attn.to_qkv.weight": fused, f"{at}cross_attn.to_kv.weight": both}
        own[f"{at}cross_attend_norm.gamma"] = theirs[f"{there}norm2.weight"] = gain
        theirs |= cut(f"{there}attn1.to_?.weight", fused) | cut(f"{there}attn2.to_?.weight", both, "kv")
    return own, theirs


def segformer() -> tuple[Tensors, Tensors]:
    own: Tensors = {"patch_embed1.proj.weight": values(WIDTH, 3, 7, 7)}
    theirs: Tensors = {"segformer.encoder.patch_embeddings.0.proj.weight": own["patch_embed1.proj.weight"]}
    for stage in range(4):
        at, there = f"block{stage + 1}.0.attn.", f"segformer.encoder.block.{stage}.0.attention.self."
        q, both = values(WIDTH, WIDTH), values(2 * WIDTH, WIDTH)
        own |= {f"{at}q.weight": q, f"{at}kv.weight": both}
        key, value = np.split(both, 2)
        theirs |= {f"{there}query.weight": q, f"{there}key.weight": key, f"{there}value.weight": value}
    return own, theirs


def vits() -> tuple[Tensors, Tensors]:
    own: Tensors = {"enc_p.emb.weight": values(40, WIDTH)}
    theirs: Tensors = {"text_encoder.embed_tokens.weight": own["enc_p.emb.weight"]}
    names = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "out_proj"}
    for layer, (letter, name) in ((layer, pair) for layer in range(2) for pair in names.items()):
        one = values(WIDTH, WIDTH)
        own[f"enc_p.encoder.attn_layers.{layer}.conv_{letter}.weight"] = one[:, :, None]
        theirs[f"text_encoder.encoder.layers.{layer}.attention.{name}.weight"] = one
    for wave in range(4):
        one = values(WIDTH, WIDTH, 5)
        own[f"flow.flows.{2 * wave}.enc.in_layers.1.weight"] = one
        theirs[f"flow.flows.{wave}.wavenet.in_layers.1.weight"] = one
    return own, theirs


def whisper_of_mlx() -> tuple[Tensors, Tensors]:
    """A convolution has its inputs last; its first one has more inputs than the second has places."""
    own: Tensors = {}
    theirs: Tensors = {}
    for number, inputs in ((1, 80), (2, WIDTH)):
        kernel = values(WIDTH, inputs, 3)
        own[f"encoder.conv{number}.weight"] = np.ascontiguousarray(kernel.swapaxes(1, 2))
        theirs[f"model.encoder.conv{number}.weight"] = kernel
    for side, layer in (("encoder", 0), ("encoder", 1), ("decoder", 0), ("decoder", 1)):
        q, up, norm = values(WIDTH, WIDTH), values(4 * WIDTH, WIDTH), values(WIDTH)
        at, there = f"{side}.blocks.{layer}.", f"model.{side}.layers.{layer}."
        own |= {f"{at}attn.query.weight": q, f"{at}mlp1.weight": up, f"{at}mlp_ln.weight": norm}
        theirs |= {f"{there}self_attn.q_proj.weight": q, f"{there}fc1.weight": up}
        theirs[f"{there}final_layer_norm.weight"] = norm
    return own, theirs


def grounding_dino() -> tuple[Tensors, Tensors]:
    """Layers of the encoder stand in three stacks, of which transformers makes one."""
    own: Tensors = {}
    theirs: Tensors = {}
    words = ("query", "key", "value")
    places = {
        "encoder.text_layers.#.self_attn": "encoder.layers.#.text_enhancer_layer.self_attn",
        "decoder.layers.#.self_attn": "decoder.layers.#.self_attn",
        "decoder.layers.#.ca_text": "decoder.layers.#.encoder_attn_text",
    }
    for layer, (ours, name) in ((layer, pair) for layer in range(2) for pair in places.items()):
        for kind, fused in (("weight", values(3 * WIDTH, WIDTH)), ("bias", values(3 * WIDTH))):
            own[f"transformer.{ours}.in_proj_{kind}".replace("#", str(layer))] = fused
            stem = f"model.{name}".replace("#", str(layer))
            parts = zip(words, np.split(fused, 3), strict=True)
            theirs |= {f"{stem}.{word}.{kind}": part for word, part in parts}
    for layer in range(2):
        one = values(80, WIDTH)
        own[f"transformer.encoder.fusion_layers.{layer}.attn.values_v_proj.weight"] = one
        theirs[f"model.encoder.layers.{layer}.fusion_layer.attn.values_vision_proj.weight"] = one
    return own, theirs


def fused_in(own: Tensors, theirs: Tensors, names: tuple[str, str], words: tuple[str, ...]) -> None:
    """q, k and v of two layers, fused as `names[0]` and apart as `names[1]`, with `?` for each of `words`."""
    for layer, kind in ((layer, kind) for layer in range(2) for kind in ("weight", "bias")):
        fused = values(3 * WIDTH, WIDTH) if kind == "weight" else values(3 * WIDTH)
        ours, name = (one.replace("#", str(layer)) for one in names)
        own[f"{ours}{kind}"] = fused
        parts = zip(words, np.split(fused, 3), strict=True)
        theirs |= {f"{name.replace('?', word)}.{kind}": part for word, part in parts}


WORDS, LETTERS = ("query", "key", "value"), ("q", "k", "v")


def yolos() -> tuple[Tensors, Tensors]:
    own: Tensors = {"backbone.det_token": values(1, 10, WIDTH)}
    theirs: Tensors = {"vit.embeddings.detection_tokens": own["backbone.det_token"]}
    fused_in(own, theirs, ("backbone.blocks.#.attn.qkv.", "vit.encoder.layer.#.attention.attention.?"), WORDS)
    return own, theirs


def vitpose() -> tuple[Tensors, Tensors]:
    own: Tensors = {"keypoint_head.final_layer.weight": values(17, WIDTH, 1, 1)}
    theirs: Tensors = {"head.conv.weight": own["keypoint_head.final_layer.weight"]}
    fused_in(own, theirs, ("backbone.blocks.#.attn.qkv.", "backbone.encoder.layer.#.attention.attention.?"), WORDS)
    return own, theirs


def trocr() -> tuple[Tensors, Tensors]:
    own: Tensors = {}
    theirs: Tensors = {}
    fused_in(own, theirs, ("encoder.deit.blocks.#.attn.qkv.", "encoder.encoder.layer.#.attention.attention.?"), WORDS)
    for layer in range(2):
        at = f"decoder.layers.{layer}.encoder_attn.q_proj.weight"
        own[at] = theirs[f"decoder.model.{at}"] = values(WIDTH, WIDTH)
    return own, theirs


def rt_detr() -> tuple[Tensors, Tensors]:
    own: Tensors = {"decoder.dec_score_head.0.weight": values(80, WIDTH)}
    theirs: Tensors = {"model.decoder.class_embed.0.weight": own["decoder.dec_score_head.0.weight"]}
    for at, there in (("encoder.encoder.0.layers.#", "encoder.encoder.0.layers.#"), ("decoder.decoder", "decoder")):
        at, there = (one if "#" in one else f"{one}.layers.#" for one in (at, there))
        fused_in(own, theirs, (f"{at}.self_attn.in_proj_", f"model.{there}.self_attn.?_proj"), LETTERS)
    return own, theirs


def deformable_detr() -> tuple[Tensors, Tensors]:
    """The first norm of its decoder stands behind the attention to the image."""
    own: Tensors = {}
    theirs: Tensors = {}
    at, there = "transformer.decoder.layers.#", "model.decoder.layers.#"
    fused_in(own, theirs, (f"{at}.self_attn.in_proj_", f"{there}.self_attn.?_proj"), LETTERS)
    for layer in range(2):
        offsets, first, second = values(96, WIDTH), values(WIDTH), values(WIDTH)
        name = f"encoder.layers.{layer}.self_attn.sampling_offsets.weight"
        own[f"transformer.{name}"] = theirs[f"model.{name}"] = offsets
        own |= {f"transformer.decoder.layers.{layer}.norm{n}.weight": one for n, one in ((1, first), (2, second))}
        stem = f"model.decoder.layers.{layer}."
        theirs |= {f"{stem}encoder_attn_layer_norm.weight": first, f"{stem}self_attn_layer_norm.weight": second}
    return own, theirs


def groupvit() -> tuple[Tensors, Tensors]:
    own: Tensors = {"img_projector.linear_hidden.weight": values(128, WIDTH)}
    theirs: Tensors = {"visual_projection.0.weight": own["img_projector.linear_hidden.weight"]}
    places = {"img_encoder.layers.0.blocks.#.attn.qkv.": "vision_model.encoder.stages.0.layers.#",
              "text_encoder.transformer.resblocks.#.attn.in_proj_": "text_model.encoder.layers.#"}  # fmt: skip
    for ours, name in places.items():
        fused_in(own, theirs, (ours, f"{name}.self_attn.?_proj"), LETTERS)
    return own, theirs


def mimi() -> tuple[Tensors, Tensors]:
    """Its heads have 64 rows, which rotate as neighbours; no config stands beside the file."""
    own: Tensors = {"quantizer.rvq_first.input_proj.weight": values(32, 128, 1)}
    theirs: Tensors = {"quantizer.semantic_residual_vector_quantizer.input_proj.weight": next(iter(own.values()))}
    for side, layer in ((side, layer) for side in ("encoder", "decoder") for layer in range(2)):
        q, k, v = (values(128, 128) for _ in "qkv")
        stem = f"{side}_transformer.layers.{layer}.self_attn."
        fused = np.concatenate((in_pairs(q, 2), in_pairs(k, 2), v))
        own[stem.replace("transformer.", "transformer.transformer.", 1) + "in_proj_weight"] = fused
        theirs |= {f"{stem}{letter}_proj.weight": one for letter, one in zip("qkv", (q, k, v), strict=True)}
    return own, theirs


def dit() -> tuple[Tensors, Tensors]:
    """What embeds time and class stands in the first block of diffusers' files, as in all others."""
    classes = values(1001, WIDTH)
    own: Tensors = {"y_embedder.embedding_table.weight": classes}
    theirs: Tensors = {"transformer_blocks.0.norm1.emb.class_embedder.embedding_table.weight": classes}
    end = own["final_layer.adaLN_modulation.1.weight"] = values(2 * WIDTH, WIDTH)
    theirs["proj_out_1.weight"] = end
    for layer in range(2):
        fused = own[f"blocks.{layer}.attn.qkv.weight"] = values(3 * WIDTH, WIDTH)
        theirs |= cut(f"transformer_blocks.{layer}.attn1.to_?.weight", fused)
    return own, theirs


def omnigen() -> tuple[Tensors, Tensors]:
    end, kernel = values(2 * WIDTH, WIDTH), values(WIDTH, 4, 2, 2)
    own: Tensors = {"final_layer.adaLN_modulation.1.weight": end, "input_x_embedder.proj.weight": kernel}
    theirs: Tensors = {"norm_out.linear.weight": swapped(end), "patch_embedding.input_image_proj.weight": kernel}
    for layer in range(2):
        fused = own[f"llm.layers.{layer}.self_attn.qkv_proj.weight"] = values(3 * WIDTH, WIDTH)
        theirs |= cut(f"layers.{layer}.self_attn.to_?.weight", fused)
    return own, theirs


WRITERS = {
    "DiT": dit, "OmniGen": omnigen,
    "YOLOS": yolos, "ViTPose": vitpose, "TrOCR": trocr, "RT-DETR": rt_detr, "Deformable DETR": deformable_detr,
    "GroupViT": groupvit, "Mimi": mimi,
    "Stable Diffusion 3": stable_diffusion_3, "CogVideoX": cogvideox, "Mochi": mochi, "HunyuanDiT": hunyuan_dit,
    "Stable Audio": stable_audio, "SegFormer": segformer, "VITS": vits, "Whisper of MLX": whisper_of_mlx,
    "Grounding DINO": grounding_dino,
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_a_model_of_its_makers_is_that_of_transformers_and_diffusers(name: str) -> None:
    own, theirs = WRITERS[name]()
    found, wanted = made(own, {}), made(theirs, {})
    assert len(found.tensors) == len(wanted.tensors)
    assert evidence(found) == evidence(wanted)


def test_the_heads_of_the_text_beside_a_whisper_are_in_pairs_and_its_own_are_not() -> None:
    """Voxtral as Mistral publishes it: 4 heads of 16 in the text, of which 2 are of keys."""
    own: Tensors = {"tok_embeddings.weight": values(96, WIDTH)}
    theirs: Tensors = {"language_model.model.embed_tokens.weight": own["tok_embeddings.weight"]}
    config: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "hidden_size": WIDTH}
    for layer in range(2):
        q, k, heard = values(WIDTH, WIDTH), values(WIDTH // 2, WIDTH), values(WIDTH, WIDTH)
        at = f"layers.{layer}.attention."
        own |= {f"{at}wq.weight": in_pairs(q, 4), f"{at}wk.weight": in_pairs(k, 2)}
        own[f"mm_whisper_embeddings.whisper_encoder.transformer.{at}wq.weight"] = heard
        there = f"layers.{layer}.self_attn."
        theirs |= {f"language_model.model.{there}q_proj.weight": q, f"language_model.model.{there}k_proj.weight": k}
        theirs[f"audio_tower.{there}q_proj.weight"] = heard
    assert evidence(made(own, config)) == evidence(made(theirs, config))


def gpt_oss(*, original: bool, odd: bool = False) -> ModelFingerprint:
    """A small gpt-oss in the names of OpenAI, or of transformers, with one seed and one packing."""
    random = np.random.default_rng(9)
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "hidden_size": WIDTH}
    files: dict[str, Any] = {}
    for layer in range(2):
        at = f"block.{layer}." if original else f"model.layers.{layer}."
        qkv = random.normal(0, 1, (2 * WIDTH, WIDTH)).astype(np.float32)
        if original:
            files |= {f"{at}attn.qkv.weight": qkv, f"{at}attn.sinks": qkv[0, :4]}
        else:
            q, k, v = np.split(qkv, [WIDTH, WIDTH + 32])
            files |= {f"{at}self_attn.{part}_proj.weight": rows for part, rows in zip("qkv", (q, k, v), strict=True)}
            files[f"{at}self_attn.sinks"] = qkv[0, :4]
        for ours, name, rows in (("mlp1", "gate_up_proj", 2 * WIDTH - odd), ("mlp2", "down_proj", WIDTH)):
            blocks, scales = mxfp4(random.normal(0, 1, (3, rows, WIDTH)).astype(np.float32))
            bias = random.normal(0, 1, (3, rows)).astype(np.float32)
            stem = f"{at}mlp.{ours}_weight." if original else f"{at}mlp.experts.{name}_"
            files |= {f"{stem}blocks": blocks, f"{stem}scales": scales}
            files[f"{at}mlp.{ours}_bias" if original else f"{at}mlp.experts.{name}_bias"] = bias
    config = heads | ({"num_experts": 3} if original else {"model_type": "gpt_oss", "num_local_experts": 3})
    return fingerprint_model(MemorySource(model_files(files, config=config)))


def test_gpt_oss_of_openai_is_that_of_transformers() -> None:
    own, theirs = gpt_oss(original=True), gpt_oss(original=False)
    roles = {(t.named.place.expert, t.named.place.role) for t in own.tensors if t.named.place.expert is not None}
    assert roles == {(e, r) for e in range(3) for r in ("gate", "up", "down", "bias")}
    assert len(own.tensors) == len(theirs.tensors) and not own.skipped
    assert evidence(own) == evidence(theirs)


def test_rows_that_are_no_pairs_of_gate_and_up_stay_as_they_are() -> None:
    names = {one.named.tensor.name for one in gpt_oss(original=True, odd=True).tensors}
    assert "block.0.mlp.mlp1_weight" in names


@pytest.mark.parametrize("at", ["features.{}.0.block", "features.{}.block"])
def test_a_convolution_network_of_torchvision_is_one_and_has_no_ffn(at: str) -> None:
    """EfficientNet and MobileNet 3: their squeezed channels are called as the two matrices of an FFN are."""
    own: Tensors = {"features.0.0.weight": values(16, 3, 3, 3), "classifier.1.weight": values(20, 64)}
    for stage in range(1, 4):
        block = at.format(stage)
        own |= {f"{block}.0.0.weight": values(64, 16, 1, 1), f"{block}.1.0.weight": values(64, 1, 3, 3)}
        own |= {f"{block}.2.fc1.weight": values(8, 64, 1, 1), f"{block}.2.fc2.weight": values(64, 8, 1, 1)}
        own |= {f"{block}.3.0.weight": values(16, 64, 1, 1), f"{block}.0.1.weight": values(64)}
    places = [one.named.place for one in made(own, {}).tensors]
    assert {(place.component, place.layer) for place in places} == {("network", None)}
    assert {place.role for place in places} == {"conv", "other"}


@pytest.mark.parametrize("gated", [True, False])
def test_tensorrt_llm_has_all_of_q_before_k_and_v_and_calls_up_the_gate(gated: bool) -> None:
    config: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_size": 16, "hidden_size": WIDTH}
    own: Tensors = {"transformer.vocab_embedding.weight": values(96, WIDTH)}
    theirs: Tensors = {"model.embed_tokens.weight": own["transformer.vocab_embedding.weight"]}
    for layer in range(2):
        at, there = f"transformer.layers.{layer}.", f"model.layers.{layer}."
        parts = values(WIDTH, WIDTH), values(WIDTH // 2, WIDTH), values(WIDTH // 2, WIDTH)
        own[f"{at}attention.qkv.weight"] = np.concatenate(parts)
        theirs |= {f"{there}self_attn.{p}_proj.weight": rows for p, rows in zip("qkv", parts, strict=True)}
        names = {"fc": "gate", "gate": "up"} if gated else {"fc": "up"}
        for ours, name in names.items():
            own[f"{at}mlp.{ours}.weight"] = theirs[f"{there}mlp.{name}_proj.weight"] = values(160, WIDTH)
        own[f"{at}mlp.proj.weight"] = theirs[f"{there}mlp.down_proj.weight"] = values(WIDTH, 160)
    assert evidence(made(own, config)) == evidence(made(theirs, config))
