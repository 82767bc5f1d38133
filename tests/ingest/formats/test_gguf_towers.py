"""The towers that llama.cpp keeps in files of their own (mmproj) are those of the models that they were taken from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind

from forebear.ingest.formats.gguf_names import hugging_face_name
from forebear.ingest.model import ModelFingerprint, fingerprint_model

from ...writers import MemorySource
from ..layouts.test_frameworks import in_pairs, made
from ..layouts.test_fused import evidence
from .writers_fused import Floats, Tensors
from .writers_gguf import gguf_bytes, stored

WIDTH, HEADS = 64, 4
_RANDOM = np.random.default_rng(2028)


def values(*shape: int) -> Floats:
    return _RANDOM.normal(0, 0.05, shape).astype(np.float32)


def tower(tensors: Mapping[str, Floats], projector: str) -> ModelFingerprint:
    """The fingerprint of an mmproj file."""
    fields: dict[str, str | int] = {"general.architecture": "clip", "clip.projector_type": projector}
    fields |= {"clip.vision.attention.head_count": HEADS}
    kept = {name: stored(np.ascontiguousarray(value), Kind.F32) for name, value in tensors.items()}
    return fingerprint_model(MemorySource({"mmproj.gguf": gguf_bytes(fields, kept)}))


def renamed_layers(names: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]]) -> tuple[Tensors, Tensors]:
    own: Tensors = {}
    theirs: Tensors = {}
    for layer, (ours, name) in ((layer, pair) for layer in range(2) for pair in names.items()):
        one = values(*shapes.get(ours, (WIDTH, WIDTH)))
        own[f"v.blk.{layer}.{ours}.weight"] = theirs[name.replace("#", str(layer)) + ".weight"] = one
    return own, theirs


FFN = {"ffn_up": (160, WIDTH), "ffn_gate": (160, WIDTH), "ffn_down": (WIDTH, 160)}


def qwen(*, fused: bool) -> tuple[Tensors, Tensors]:
    """Qwen2.5-VL: gate and up, one convolution of two frames, and q, k and v in one matrix or apart."""
    own, theirs = renamed_layers({
        "attn_out": "visual.blocks.#.attn.proj", "ffn_up": "visual.blocks.#.mlp.up_proj",
        "ffn_gate": "visual.blocks.#.mlp.gate_proj", "ffn_down": "visual.blocks.#.mlp.down_proj",
    }, FFN)  # fmt: skip
    kernel = values(WIDTH, 3, 2, 14, 14)
    theirs["visual.patch_embed.proj.weight"] = kernel
    own |= {"v.patch_embd.weight": kernel[:, :, 0], "v.patch_embd.weight.1": kernel[:, :, 1]}
    for layer in range(2):
        parts = [values(WIDTH, WIDTH) for _ in "qkv"]
        theirs[f"visual.blocks.{layer}.attn.qkv.weight"] = np.concatenate(parts)
        apart = {f"v.blk.{layer}.attn_{letter}.weight": part for letter, part in zip("qkv", parts, strict=True)}
        own |= {f"v.blk.{layer}.attn_qkv.weight": np.concatenate(parts)} if fused else apart
    own["mm.0.weight"] = theirs["visual.merger.mlp.0.weight"] = values(4 * WIDTH, 4 * WIDTH)
    own["mm.2.weight"] = theirs["visual.merger.mlp.2.weight"] = values(96, 4 * WIDTH)
    return own, theirs


def pixtral() -> tuple[Tensors, Tensors]:
    """q and k of its tower rotate, and the converter has their rows as neighbours."""
    at = "vision_tower.transformer.layers.#."
    own, theirs = renamed_layers({
        "attn_q": f"{at}attention.q_proj", "attn_k": f"{at}attention.k_proj", "attn_v": f"{at}attention.v_proj",
        "attn_out": f"{at}attention.o_proj", "ffn_up": f"{at}feed_forward.up_proj",
        "ffn_gate": f"{at}feed_forward.gate_proj", "ffn_down": f"{at}feed_forward.down_proj",
    }, FFN)  # fmt: skip
    own |= {name: in_pairs(one, HEADS) for name, one in own.items() if "attn_q" in name or "attn_k" in name}
    own["mm.1.weight"] = theirs["multi_modal_projector.linear_1.weight"] = values(96, WIDTH)
    own["mm.2.weight"] = theirs["multi_modal_projector.linear_2.weight"] = values(96, 96)
    return own, theirs


def ultravox() -> tuple[Tensors, Tensors]:
    """A Whisper: biases of its convolutions have an axis of one place."""
    own: Tensors = {}
    theirs: Tensors = {}
    for number, inputs in ((1, 80), (2, WIDTH)):
        kernel, bias = values(WIDTH, inputs, 3), values(WIDTH)
        own |= {f"a.conv1d.{number}.weight": kernel, f"a.conv1d.{number}.bias": bias[:, None]}
        theirs |= {f"audio_tower.conv{number}.weight": kernel, f"audio_tower.conv{number}.bias": bias}
    names = {"attn_q": "self_attn.q_proj", "attn_out": "self_attn.out_proj", "ffn_up": "fc1", "ffn_down": "fc2"}
    for layer, (ours, name) in ((layer, pair) for layer in range(2) for pair in names.items()):
        one = values(WIDTH, WIDTH)
        own[f"a.blk.{layer}.{ours}.weight"] = theirs[f"audio_tower.layers.{layer}.{name}.weight"] = one
    own["mm.a.mlp.1.weight"] = theirs["multi_modal_projector.linear_1.weight"] = values(128, 512)
    own["mm.a.mlp.2.weight"] = theirs["multi_modal_projector.linear_2.weight"] = values(96, WIDTH)
    return own, theirs


TOWERS: dict[str, tuple[Callable[[], tuple[Tensors, Tensors]], str]] = {
    "Qwen2.5-VL": (lambda: qwen(fused=False), "qwen2.5vl_merger"),
    "Qwen3-VL": (lambda: qwen(fused=True), "qwen3vl_merger"),
    "Pixtral": (pixtral, "pixtral"),
    "Ultravox": (ultravox, "ultravox"),
}


@pytest.mark.parametrize("name", TOWERS)
def test_a_tower_of_llama_cpp_is_that_of_transformers(name: str) -> None:
    write, projector = TOWERS[name]
    own, theirs = write()
    found, wanted = tower(own, projector), made(theirs, {})
    assert len(found.tensors) == len(wanted.tensors) and not found.skipped
    assert evidence(found) == evidence(wanted)


@pytest.mark.parametrize("swapped", [True, False])
def test_the_ffn_of_a_tower_of_2023_has_its_two_matrices_swapped(swapped: bool) -> None:
    """The first mmproj files of LLaVA call the wide one `ffn_down`."""
    names = {"ffn_up": "fc1", "ffn_down": "fc2"}
    shapes = {"ffn_up": (4 * WIDTH, WIDTH), "ffn_down": (WIDTH, 4 * WIDTH)}
    own, theirs = renamed_layers(
        {ours: f"vision_tower.vision_model.encoder.layers.#.mlp.{name}" for ours, name in names.items()}, shapes
    )
    if swapped:
        other = {"ffn_up": "ffn_down", "ffn_down": "ffn_up"}
        own = {".".join(other.get(part, part) for part in name.split(".")): one for name, one in own.items()}
    assert evidence(tower(own, "mlp")) == evidence(made(theirs, {}))


def test_a_second_frame_of_another_shape_stays_as_it_is() -> None:
    own = {"v.patch_embd.weight": values(WIDTH, 3, 14, 14), "v.patch_embd.weight.1": values(WIDTH, 3, 7, 7)}
    assert len(tower(own, "qwen2vl_merger").tensors) == len(own)


def test_all_blocks_of_a_tower_are_layers_of_one_stack() -> None:
    from gguf.constants import TENSOR_NAMES

    for stack in ("v.blk.", "a.blk."):
        named = [hugging_face_name(f"{n.format(bid=3)}.weight") for n in TENSOR_NAMES.values() if n.startswith(stack)]
        known = {name.rpartition("layers.3.")[0] for name in named if not name.startswith(stack)}
        assert len(known) == 1, known
