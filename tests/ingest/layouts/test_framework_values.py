"""What a framework keeps in one tensor, or turned, has the values that it has in transformers and diffusers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pytest

from ..formats.writers_fused import Floats, Tensors
from .test_frameworks import made
from .test_fused import evidence

WIDTH = 64
_RANDOM = np.random.default_rng(2026)


def values(*shape: int) -> Floats:
    return _RANDOM.normal(0, 0.05, shape).astype(np.float32)


def renamed(tensors: Tensors, table: Mapping[str, str]) -> Tensors:
    found = {}
    for name, value in tensors.items():
        for ours, theirs in table.items():
            name = name.replace(ours, theirs)
        found[name] = value
    return found


def lumina(heads_of_keys: int) -> tuple[Tensors, Tensors]:
    """Lumina 2 of its makers and of diffusers: keys of 16, q as high as the output is wide."""
    high = 16 * heads_of_keys
    own: Tensors = {}
    theirs: Tensors = {}
    for stack, number in itertools.product(("layers", "noise_refiner", "context_refiner"), range(2)):
        at = f"{stack}.{number}."
        parts = [values(WIDTH, WIDTH), values(high, WIDTH), values(high, WIDTH)]
        own[f"{at}attention.qkv.weight"] = np.concatenate(parts)
        theirs |= {f"{at}attn.to_{letter}.weight": part for letter, part in zip("qkv", parts, strict=True)}
        out, up = values(WIDTH, WIDTH), values(172, WIDTH)
        own |= {f"{at}attention.out.weight": out, f"{at}feed_forward.w1.weight": up}
        theirs |= {f"{at}attn.to_out.0.weight": out, f"{at}feed_forward.linear_1.weight": up}
    last = values(16, WIDTH)
    return own | {"final_layer.linear.weight": last}, theirs | {"norm_out.linear_2.weight": last}


@pytest.mark.parametrize("heads_of_keys", [1, 2, 4])
def test_attention_of_lumina_is_split_whatever_heads_share_a_key(heads_of_keys: int) -> None:
    own, theirs = lumina(heads_of_keys)
    assert evidence(made(own, {})) == evidence(made(theirs, {}))


def test_what_does_not_fit_the_output_of_lumina_stays_one_matrix() -> None:
    own, _ = lumina(2)
    cut = {name: value[:-1] if "qkv" in name else value for name, value in own.items()}
    slots = {one.named.place.slot for one in made(cut, {}).tensors if "qkv" in one.named.tensor.name}
    assert slots == {"qkv"}


def test_attention_of_musicgen_is_split() -> None:
    own: Tensors = {}
    theirs: Tensors = {}
    for layer, (ours, hf) in itertools.product(
        range(2), (("self_attn", "self_attn"), ("cross_attention", "encoder_attn"))
    ):
        parts = [values(WIDTH, WIDTH) for _ in range(3)]
        own[f"transformer.layers.{layer}.{ours}.in_proj_weight"] = np.concatenate(parts)
        at = f"decoder.model.decoder.layers.{layer}.{hf}"
        theirs |= {f"{at}.{letter}_proj.weight": part for letter, part in zip("qkv", parts, strict=True)}
    for book in range(2):
        tokens, head = values(96, WIDTH), values(95, WIDTH)
        own |= {f"emb.{book}.weight": tokens, f"linears.{book}.weight": head}
        theirs[f"decoder.model.decoder.embed_tokens.{book}.weight"] = tokens
        theirs[f"decoder.lm_heads.{book}.weight"] = head
    assert evidence(made(own, {})) == evidence(made(theirs, {}))


def recurrent_gemma(stored: bool) -> Tensors:
    """RecurrentGemma of Google, or of transformers, with one seed: gates [2, in, out] or two matrices [out, in]."""
    random = np.random.default_rng(7)
    found: Tensors = {"embed.weight": random.normal(size=(96, WIDTH)).astype(np.float32)}
    for layer in range(2):
        gates = random.normal(size=(2, WIDTH, 192)).astype(np.float32)
        biases = random.normal(size=(2, 1, 1, 192)).astype(np.float32)
        kernel = random.normal(size=(4, WIDTH)).astype(np.float32)
        decay = random.normal(size=WIDTH).astype(np.float32)
        if stored:
            at = f"blocks.{layer}."
            found |= {f"{at}mlp_block.ffw_up.w": gates, f"{at}mlp_block.ffw_up.b": biases}
            found |= {f"{at}recurrent_block.conv_1d.w": kernel, f"{at}recurrent_block.rg_lru.a_param": decay}
            continue
        at = f"model.layers.{layer}."
        for part, gate, bias in zip(("gate", "up"), gates, biases, strict=True):
            found |= {f"{at}mlp_block.{part}_proj.weight": gate.T, f"{at}mlp_block.{part}_proj.bias": bias.reshape(-1)}
        found[f"{at}temporal_block.conv_1d.weight"] = kernel.T[:, None]
        found[f"{at}temporal_block.rg_lru.recurrent_param"] = decay
    ends = {"embed.": "embedder.input_"} if stored else {"embed.": "model.embed_tokens."}
    return renamed(found, {**ends, "input_weight": "input_embedding"})


def test_the_two_gates_of_recurrent_gemma_are_two_matrices() -> None:
    own, theirs = made(recurrent_gemma(stored=True), {}), made(recurrent_gemma(stored=False), {})
    assert len(own.tensors) == len(theirs.tensors)
    assert evidence(own) == evidence(theirs)


def test_gates_of_another_shape_stay_as_they_are() -> None:
    own = {name: value[:1] if "ffw_up.w" in name else value for name, value in recurrent_gemma(stored=True).items()}
    names = {one.named.tensor.name for one in made(own, {}).tensors}
    assert {"blocks.0.mlp_block.ffw_up.w", "model.layers.0.mlp_block.gate_proj.bias"} <= names
