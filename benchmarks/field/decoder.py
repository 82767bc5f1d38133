"""The forward pass of a llama decoder over a dict of tensors with Hugging Face's names: SmolLM2-135M."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

HEADS, KEY_HEADS, EPSILON, THETA = 9, 3, 1e-5, 100_000.0
Weights = Mapping[str, Tensor]


def next_token_loss(weights: Weights, batch: Tensor, layers: int) -> Tensor:
    """Mean cross-entropy, in nats a token, of predicting batch[:, 1:] from batch[:, :-1]; the head is tied."""
    table = weights["model.embed_tokens.weight"]
    hidden = functional.embedding(batch[:, :-1], table)
    turns = _turns(hidden.shape[1], hidden.shape[2] // HEADS)
    for layer in range(layers):
        hidden = _layer(weights, f"model.layers.{layer}", hidden, turns)
    logits = functional.linear(_norm(weights, "model.norm", hidden), table)
    return functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())


def _layer(weights: Weights, at: str, hidden: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    batch, length, width = hidden.shape
    normed = _norm(weights, f"{at}.input_layernorm", hidden)

    def heads(name: str, count: int) -> Tensor:
        projected = functional.linear(normed, weights[f"{at}.self_attn.{name}_proj.weight"])
        return projected.view(batch, length, count, -1).transpose(1, 2)

    query, key = _turned(heads("q", HEADS), turns), _turned(heads("k", KEY_HEADS), turns)
    key, value = (part.repeat_interleave(HEADS // KEY_HEADS, dim=1) for part in (key, heads("v", KEY_HEADS)))
    mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    mixed = mixed.transpose(1, 2).reshape(batch, length, width)
    hidden = hidden + functional.linear(mixed, weights[f"{at}.self_attn.o_proj.weight"])
    normed = _norm(weights, f"{at}.post_attention_layernorm", hidden)
    gate, up = (functional.linear(normed, weights[f"{at}.mlp.{name}_proj.weight"]) for name in ("gate", "up"))
    return hidden + functional.linear(functional.silu(gate) * up, weights[f"{at}.mlp.down_proj.weight"])


def _turns(length: int, size: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines [length, size] of the rotary embedding, its pairs (i, i + size / 2)."""
    rates = THETA ** (-torch.arange(0, size, 2) / size)
    angles = torch.outer(torch.arange(length).float(), rates).repeat(1, 2)
    return angles.cos(), angles.sin()


def _turned(heads: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    lower, upper = heads.chunk(2, dim=-1)
    return heads * turns[0] + torch.cat((-upper, lower), dim=-1) * turns[1]


def _norm(weights: Weights, at: str, hidden: Tensor) -> Tensor:
    return functional.rms_norm(hidden, hidden.shape[-1:], weights[f"{at}.weight"], EPSILON)
