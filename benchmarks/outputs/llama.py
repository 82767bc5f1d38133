"""The forward pass of small llamas, qwen2s and mixtrals in numpy: the next token after every prompt of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Config = Mapping[str, Any]


def logits(weights: Mapping[str, Floats], config: Config, tokens: NDArray[np.int64], ends: NDArray[np.int64]) -> Floats:
    """Logits (prompts, vocabulary) after the token at `ends` (prompts,) of every row of `tokens` (prompts, length).

    What stands after `ends` is padding: attention is causal, so it changes nothing. KeyError for a tensor that lacks.
    """
    hidden = weights["model.embed_tokens.weight"][tokens]
    turns = _turns(config, tokens.shape[1])
    for layer in range(int(config["num_hidden_layers"])):
        at = f"model.layers.{layer}"
        hidden = hidden + _attention(
            weights, config, at, _normed(weights, config, f"{at}.input_layernorm", hidden), turns
        )
        normed = _normed(weights, config, f"{at}.post_attention_layernorm", hidden)
        hidden = hidden + (_experts if "num_local_experts" in config else _dense)(weights, config, at, normed)
    last = _normed(weights, config, "model.norm", hidden[np.arange(len(tokens)), ends])
    head = weights.get("lm_head.weight", weights["model.embed_tokens.weight"])
    return last @ head.T


def causal(scores: Floats) -> Floats:
    """Softmax of attention scores (..., length, length) over what stands before."""
    scores = scores + np.triu(np.full(scores.shape[-2:], -np.inf, np.float32), 1)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def _turns(config: Config, length: int) -> tuple[Floats, Floats]:
    size = _head_size(config)
    angles = np.outer(np.arange(length), config["rope_theta"] ** (-np.arange(0, size, 2) / size))
    angles = np.tile(angles, 2).astype(np.float32)
    return np.cos(angles), np.sin(angles)


def _head_size(config: Config) -> int:
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


def _normed(weights: Mapping[str, Floats], config: Config, at: str, values: Floats) -> Floats:
    return values / np.sqrt((values**2).mean(-1, keepdims=True) + config["rms_norm_eps"]) * weights[f"{at}.weight"]


def _attention(
    weights: Mapping[str, Floats], config: Config, at: str, normed: Floats, turns: tuple[Floats, Floats]
) -> Floats:
    heads, keys = int(config["num_attention_heads"]), int(config["num_key_value_heads"])

    def split(name: str, count: int) -> Floats:
        projected = normed @ weights[f"{at}.self_attn.{name}_proj.weight"].T
        projected = projected + weights.get(f"{at}.self_attn.{name}_proj.bias", np.float32(0))
        values = projected.reshape(*normed.shape[:2], count, _head_size(config)).transpose(0, 2, 1, 3)
        return values if count == heads else np.repeat(values, heads // count, axis=1)

    def turned(values: Floats) -> Floats:
        low, high = np.split(values, 2, axis=-1)
        crossed: Floats = np.concatenate((-high, low), axis=-1)
        return np.asarray(values * turns[0] + crossed * turns[1], np.float32)

    scores = turned(split("q", heads)) @ turned(split("k", keys)).swapaxes(-1, -2)
    shares = causal(scores / np.float32(np.sqrt(_head_size(config))))
    mixed: Floats = (shares @ split("v", keys)).transpose(0, 2, 1, 3).reshape(*normed.shape[:2], -1)
    return mixed @ weights[f"{at}.self_attn.o_proj.weight"].T


def _gated(normed: Floats, gate: Floats, up: Floats, down: Floats) -> Floats:
    raised = normed @ gate.T
    activated = np.asarray(raised / (1 + np.exp(-raised)), np.float32)
    wide = np.asarray(activated * (normed @ up.T), np.float32)
    return np.asarray(wide @ down.T, np.float32)


def _dense(weights: Mapping[str, Floats], config: Config, at: str, normed: Floats) -> Floats:
    return _gated(normed, *(weights[f"{at}.mlp.{name}_proj.weight"] for name in ("gate", "up", "down")))


def _experts(weights: Mapping[str, Floats], config: Config, at: str, normed: Floats) -> Floats:
    """Every expert on every token, weighted by the softmax over the best `num_experts_per_tok`; small models only."""
    scores = normed @ weights[f"{at}.block_sparse_moe.gate.weight"].T
    least = np.sort(scores, axis=-1)[..., -int(config["num_experts_per_tok"]), None]
    shares = np.where(scores >= least, np.exp(scores - scores.max(-1, keepdims=True)), 0)
    shares = shares / shares.sum(-1, keepdims=True)
    total = np.zeros_like(normed)
    for expert in range(int(config["num_local_experts"])):
        names = (f"{at}.block_sparse_moe.experts.{expert}.{name}.weight" for name in ("w1", "w3", "w2"))
        total += shares[..., expert, None] * _gated(normed, *(weights[name] for name in names))
    return total
