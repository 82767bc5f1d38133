"""The forward pass of a small llama in numpy: the next token after a prompt."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
TYPES = {"BF16": np.uint16, "F16": np.float16, "F32": np.float32}


def tensors(path: Path) -> dict[str, Floats]:
    """All tensors of a safetensors file as float32; KeyError for a type that is no float."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    read = {}
    for name, of in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        begin, end = of["data_offsets"]
        values = np.frombuffer(data[start + begin : start + end], TYPES[of["dtype"]])
        if of["dtype"] == "BF16":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        read[name] = values.astype(np.float32).reshape(of["shape"])
    return read


def encoded(text: str, ids: dict[str, int]) -> list[int]:
    """Token ids, the longest token that fits first; a blank is spelled as byte-level vocabularies do."""
    text, at, found = text.replace(" ", "\u0120"), 0, []
    while at < len(text):
        size = next(n for n in range(len(text) - at, 0, -1) if text[at : at + n] in ids)
        found.append(ids[text[at : at + size]])
        at += size
    return found


def next_token(weights: dict[str, Floats], config: dict[str, float], tokens: list[int]) -> int:
    """The most likely token after `tokens`."""
    heads, keys = int(config["num_attention_heads"]), int(config["num_key_value_heads"])
    size, epsilon = int(config.get("head_dim") or config["hidden_size"] // heads), config["rms_norm_eps"]
    table, hidden = weights["model.embed_tokens.weight"], weights["model.embed_tokens.weight"][tokens]
    angles = np.outer(np.arange(len(tokens)), config["rope_theta"] ** (-np.arange(0, size, 2) / size))
    cosines, sines = np.cos(np.tile(angles, 2)), np.sin(np.tile(angles, 2))

    def norm(at: str, values: Floats) -> Floats:
        return values / np.sqrt((values**2).mean(-1, keepdims=True) + epsilon) * weights[f"{at}.weight"]

    def turned(values: Floats) -> Floats:
        low, high = np.split(values, 2, axis=-1)
        return values * cosines + np.concatenate((-high, low), axis=-1) * sines

    for layer in range(int(config["num_hidden_layers"])):
        at = f"model.layers.{layer}"
        normed = norm(f"{at}.input_layernorm", hidden)

        def split(name: str, count: int, at: str = at, normed: Floats = normed) -> Floats:
            projected = normed @ weights[f"{at}.self_attn.{name}_proj.weight"].T
            projected = projected + weights.get(f"{at}.self_attn.{name}_proj.bias", np.float32(0))
            return projected.reshape(len(tokens), count, size).transpose(1, 0, 2)

        key = np.repeat(turned(split("k", keys)), heads // keys, axis=0)
        value = np.repeat(split("v", keys), heads // keys, axis=0)
        scores = turned(split("q", heads)) @ key.transpose(0, 2, 1) / np.sqrt(size)
        scores += np.triu(np.full(scores.shape[1:], -np.inf), 1)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (shares / shares.sum(-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(len(tokens), -1)
        hidden = hidden + mixed @ weights[f"{at}.self_attn.o_proj.weight"].T
        normed = norm(f"{at}.post_attention_layernorm", hidden)
        gate = normed @ weights[f"{at}.mlp.gate_proj.weight"].T
        raised = gate / (1 + np.exp(-gate)) * (normed @ weights[f"{at}.mlp.up_proj.weight"].T)
        hidden = hidden + raised @ weights[f"{at}.mlp.down_proj.weight"].T
    return int(np.argmax(weights.get("lm_head.weight", table) @ norm("model.norm", hidden[-1])))
